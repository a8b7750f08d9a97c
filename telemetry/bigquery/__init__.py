"""Talk to BigQuery: schemas, tables, inserts, and stored results read back."""
