"""Define the data that flows between programs: readings, messages, records and kinds of output."""
