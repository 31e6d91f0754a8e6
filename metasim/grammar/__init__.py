"""Probabilistic scene grammars: attribute laws, productions, sampling and log-probability."""
