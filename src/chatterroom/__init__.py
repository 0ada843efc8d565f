"""ChatterRoom: a self-hosted realtime chat platform of small services."""

__version__ = "0.1.0"
