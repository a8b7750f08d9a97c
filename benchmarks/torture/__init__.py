"""Attack a running stream with kills and faults, and compare its results with a plain computation.

Run as ``python -m benchmarks.torture``. Draws are reproducible by seed; moments depend on the machine.
"""
