"""Labelled datasets: samples, their labels, the formats they are written in, export and verification."""
