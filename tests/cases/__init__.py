"""Telemetry as people have it: inputs of many kinds, the feeds they need, and the readings that come out."""
