"""Work with rules files: ``telemetry rules check | schema``."""
