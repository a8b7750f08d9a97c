"""Count every row in a ledger, and total stored results for comparison with it."""
