"""The version of the package, for all that need no more of it than that."""

__version__ = "0.1.0"
