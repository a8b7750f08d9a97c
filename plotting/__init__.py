"""Stored results as charts. Never imported by the job."""
