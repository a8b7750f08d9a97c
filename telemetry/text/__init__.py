"""Read and write times, durations and CSV cells as text."""
