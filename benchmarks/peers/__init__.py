"""Implement the same task with other tools: ``python -m benchmarks.peers.NAME INPUT OUTPUT``.

Each peer is a separate process and does not import the job. Peers run with the interpreter of ``.venv/peers``, in which
the job is not installed; Beam peers run with the interpreter of the job. INPUT is a file of newline-delimited JSON, one
reading per line. OUTPUT is an existing folder for ``anomalies.jsonl`` (device, ts, temp) and, except for peers
that only compare with the threshold,
``aggregates.jsonl`` (device, window_start in seconds, and for each metric NAME_count, NAME_mean, NAME_min, NAME_max).
"""
