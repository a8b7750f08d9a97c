"""Work with rules files: ``telemetry rules check | test | schema``."""
