"""One command that shows the whole job at work on this machine."""
