"""Turn readings in event-time order into incidents."""
