"""How fast the job is, next to other tools and other ways to do it; `python -m benchmarks`.

Every contender reads the same rows, and its output is compared with a plain Python computation before its
time counts.
"""
