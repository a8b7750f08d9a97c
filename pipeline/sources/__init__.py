"""Where messages come from: files, Pub/Sub on Dataflow, Pub/Sub on this machine. All yield `Message`."""
