"""Publish to Pub/Sub topics."""
