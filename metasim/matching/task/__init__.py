"""Task: the generator, tuned within the matched law for a network that will train on its images."""
