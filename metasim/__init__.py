"""metasim: learn a scene generator whose rendered images follow a target's distribution."""

__version__ = "0.1.0"
