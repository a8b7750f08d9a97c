"""Read records from payloads of foreign formats, and values from records."""
