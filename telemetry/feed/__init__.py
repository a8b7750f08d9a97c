"""Turn foreign telemetry into readings."""
