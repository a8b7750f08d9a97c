"""Prepare a process before Beam is loaded: memory allocator, imports to skip."""
