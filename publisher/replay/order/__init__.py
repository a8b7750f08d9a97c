"""Put the rows of a recording into the order of their times, in bounded memory."""
