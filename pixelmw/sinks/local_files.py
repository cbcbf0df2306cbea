"""The files that sinks keep on this machine: who may read them, and what keeps a path from working."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

#: Nobody but the user of the web server reads what visitors did, unless the operator says so.
PRIVATE = 0o600

_EFFECTIVE_IDS = os.access in os.supports_effective_ids
_set_mode = getattr(os, "fchmod", lambda descriptor, mode: None)  # Windows has no such modes


def checked_mode(mode: int) -> int:
    """Return *mode*, if the owner may read and write, and nobody may execute, a file that has it.

    :raises ValueError: if not.
    """
    if isinstance(mode, bool) or not isinstance(mode, int) or mode & ~0o666 or mode & PRIVATE != PRIVATE:
        given = oct(mode) if isinstance(mode, int) else repr(mode)
        raise ValueError(f"mode is {given}; it has to be 0o600, or 0o640 for readers of the group, up to 0o666")
    return mode


def create_file(path: Path, mode: int, flags: int = os.O_RDWR) -> int:
    """Create the file, with exactly *mode* whatever the umask is, and return a descriptor of it.

    A symbolic link is followed, also one to a file that is still to be created.

    :raises FileExistsError: if it is there.
    :raises OSError: if it cannot be created.
    """
    descriptor = os.open(os.path.realpath(path), flags | os.O_CREAT | os.O_EXCL, mode)
    try:
        _set_mode(descriptor, mode)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def open_or_create(path: Path, mode: int, flags: int) -> int:
    """Return a descriptor of the file, which is created with *mode* if it is missing; one that is there keeps its own.

    :raises OSError: if it can be neither opened nor created.
    """
    try:  # without suppress(), since this is done for each event
        return os.open(path, flags)
    except FileNotFoundError:
        pass
    with suppress(FileExistsError):  # another process was faster
        return create_file(path, mode, flags)
    return os.open(path, flags)


def why_unusable(path: Path, *, beside: tuple[str, ...] = ()) -> str | None:
    """Return what keeps this process from writing to a file at *path*, as far as a look can tell; ``None`` if nothing.

    :param beside: endings of the names of files that are created beside it, unless they are there.
    """
    directory = Path(os.path.realpath(path)).parent
    if not os.path.isdir(directory):  # noqa: PTH112 - unlike the method, it raises nothing where this user may not look
        return f"there is no directory {directory}, or none that this user may enter"
    if path.is_dir():
        return f"{path} is a directory"
    if path.exists() and not _may(path, os.R_OK | os.W_OK):
        return f"this user may not write to {path}"
    created = [path, *(Path(f"{path}{ending}") for ending in beside)]
    if not all(map(Path.exists, created)) and not _may(directory, os.W_OK | os.X_OK):
        return f"this user may not create files in {directory}"
    return None


def _may(path: Path, what: int) -> bool:
    return os.access(path, what, effective_ids=_EFFECTIVE_IDS)
