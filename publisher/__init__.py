"""Replays, simulates and explores telemetry, and serves an embedded Pub/Sub. Imports no Beam."""
