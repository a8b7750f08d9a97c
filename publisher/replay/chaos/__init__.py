"""Disturb a replay on purpose, reproducibly, and record what was disturbed."""
