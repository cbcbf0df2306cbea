"""Who may write: write keys, and the mask that hides them in logs and refusals."""

from .masking import mask_write_key
from .write_keys import WriteKeyChecker, WriteKeys

__all__ = ["WriteKeyChecker", "WriteKeys", "mask_write_key"]
