"""A spool's directory: segments on disk, who writes and reads them, and how much there may be."""
