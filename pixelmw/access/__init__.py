"""Who may write: checks write keys and signatures, and masks them in query strings."""

from .masking import mask_write_key
from .private import private_texts
from .signatures import SignatureChecker, SignedLink, Signer, Unsigned
from .write_keys import WriteKeyChecker, WriteKeys

__all__ = [
    "SignatureChecker",
    "SignedLink",
    "Signer",
    "Unsigned",
    "WriteKeyChecker",
    "WriteKeys",
    "mask_write_key",
    "private_texts",
]
