"""Read inputs of any dialect, as a feed says, as lines of the canonical form."""
