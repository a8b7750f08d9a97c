"""Remove messages that were published or delivered before."""
