"""Implement the commands beside `run`: reconcile, tables and rules."""
