"""Serve the pictures of a run as a page that is updated while the run is written."""
