"""The command that judges stored readings with rules, and the picture of what it finds."""
