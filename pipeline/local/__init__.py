"""Run a job on this machine: its worker processes."""
