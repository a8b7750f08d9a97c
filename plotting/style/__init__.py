"""Define the words, languages, colours and style sheets of pictures."""
