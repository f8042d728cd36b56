"""Version of relpio: of the package, of `relpio --version`, and in each `open` on the wire."""

__version__ = "0.1.0"
