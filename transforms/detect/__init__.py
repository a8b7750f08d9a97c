"""Detect anomalies in batches of readings."""
