"""How fast the job is, next to a row-wise graph of the same job and to polars; `python -m benchmarks`.

Every contender reads the same rows, and its output is compared with a plain Python computation before its
time counts.
"""
