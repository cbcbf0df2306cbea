"""The README and the pages in ``docs``."""
