"""Aggregate readings in windows of event time."""
