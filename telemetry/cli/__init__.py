"""Parse flags, handle signals and turn failures into exit codes, the same way in every command."""
