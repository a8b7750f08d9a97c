"""Compare the speed of the job with other tools and implementations: ``python -m benchmarks``.

Every case reads the same rows, and its output is compared with a plain Python computation before its
time counts.
"""
