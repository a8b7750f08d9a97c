"""Work with feed files: ``telemetry feed check | schema``."""
