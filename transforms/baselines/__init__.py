"""Learn what is usual of each series, and score readings against it."""
