"""Unity players as an engine, over the link of ML-Agents."""
