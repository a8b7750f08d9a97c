"""Write records to files, BigQuery, topics and standard output."""
