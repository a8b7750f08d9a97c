"""Change Beam's internals where needed: each patch is guarded by Beam's version and has a switch."""
