"""Network fault injection for programs that hold TCP connections for a long time."""

__version__ = "0.1.0"
