"""Pack, spill and key the data that Beam shuffles between steps."""
