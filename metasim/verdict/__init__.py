"""How well a run did, on held-out images: tests, attribute errors, identifiability, summary.json."""
