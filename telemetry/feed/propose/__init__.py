"""Propose a feed for telemetry that nobody has described, from the beginning of it."""
