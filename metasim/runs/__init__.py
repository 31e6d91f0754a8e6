"""The run folder: logs, checkpoints, manifest."""
