"""One self-contained page of a run: numbers, pictures, and a table of its anomalies to explore."""
