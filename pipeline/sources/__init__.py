"""Read messages from files, from Pub/Sub on Dataflow, and from Pub/Sub on this machine. All sources yield `Message`."""
