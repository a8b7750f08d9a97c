"""Look at files of any dialect, and cut them into messages."""
