"""Decode messages into batches of readings and dead letters."""
