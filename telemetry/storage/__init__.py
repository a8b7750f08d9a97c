"""Read and write files on local disk or in any bucket, and stored results in them."""
