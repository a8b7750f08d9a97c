"""Deliver the transitions of incidents to webhooks."""
