"""Read payloads as readings, in columns, as a feed says."""
