"""Judge stored readings with rules, and say what the rules would have found."""
