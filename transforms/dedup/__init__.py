"""Remove messages that were published or delivered before, and readings that came before."""
