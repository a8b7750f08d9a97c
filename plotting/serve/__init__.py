"""``python -m plotting serve``: the pictures of a run in the browser, following it while it is written."""
