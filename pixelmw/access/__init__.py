"""Who may write: write keys, and how they are kept out of what is shown."""

from .write_keys import KeyRing, WriteKeys, mask_write_key

__all__ = ["KeyRing", "WriteKeys", "mask_write_key"]
