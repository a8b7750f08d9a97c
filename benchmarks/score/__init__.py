"""Score what the job detects on labelled data: NAB, the founding telemetry and the simulator.

Run as ``python -m benchmarks.score``. Each section needs its own data, and is left out without it.
"""
