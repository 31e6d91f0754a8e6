"""Labelled samples: labels from passes, writers, export, manifest, verification."""
