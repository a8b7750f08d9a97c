"""Demonstrate the whole system on this machine, from telemetry to a report, with one command."""
