"""Who may write: write keys, and how they are kept out of what is shown."""

from .masking import mask_write_key
from .write_keys import WriteKeyChecker, WriteKeys

__all__ = ["WriteKeyChecker", "WriteKeys", "mask_write_key"]
