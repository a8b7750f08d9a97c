"""Build a self-contained HTML page of a run: numbers, pictures and an explorable table of anomalies."""
