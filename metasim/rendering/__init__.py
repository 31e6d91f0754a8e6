"""The renderer protocol, frames, cameras, the worker pool and the registry of engines."""
