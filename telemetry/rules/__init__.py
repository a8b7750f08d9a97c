"""Read rules files and evaluate their conditions on arrays, without memory."""
