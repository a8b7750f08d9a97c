"""Turn foreign time values, texts and numbers, into event times."""
