"""Score incidents, or any detector, on the Numenta Anomaly Benchmark (NAB) by the benchmark's own definition.

The definition is that of Lavin and Ahmad, "Evaluating Real-time Anomaly Detection Algorithms", ICMLA 2015, as version
1.1 of the benchmark applies it. The code here is our own; the series and labels are read from where they are.
"""
