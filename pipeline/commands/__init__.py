"""Implement the commands beside `run`: reconcile and tables."""
