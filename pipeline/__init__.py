"""The Beam job: options, sources, the graph, outputs, and the command that runs it."""
