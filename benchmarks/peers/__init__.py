"""The same job by other means, each a process of its own: ``python -m benchmarks.peers.NAME INPUT OUTPUT``.

None of them imports the job: they run with the interpreter of ``.venv/peers``, where ours is not installed, or, the
Beam ones, with ours. INPUT is a file of newline-delimited JSON, a reading a line. OUTPUT is an existing folder; there
they write ``anomalies.jsonl`` (device, ts, temp) and, unless they only compare with the threshold,
``aggregates.jsonl`` (device, window_start in seconds, and for each metric NAME_count, NAME_mean, NAME_min, NAME_max).
"""
