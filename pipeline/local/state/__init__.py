"""Keep the state of a local stream on disk: a journal of its input and snapshots of what its steps remember."""
