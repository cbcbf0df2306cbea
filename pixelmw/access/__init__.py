"""Write keys: checks them, and masks them in query strings."""

from .masking import mask_write_key
from .write_keys import WriteKeyChecker, WriteKeys

__all__ = ["WriteKeyChecker", "WriteKeys", "mask_write_key"]
