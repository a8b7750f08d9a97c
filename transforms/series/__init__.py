"""Follow many series at once, as arrays."""
