"""Read rules files and evaluate their conditions on arrays."""
