"""Reads a small file that the command line names, and no more of it than such a file can have."""

from __future__ import annotations

from pathlib import Path

# A schema or a list of keys of this size is none; /dev/zero has no end.
_MAX_BYTES = 4 * 1024 * 1024


def read_small_text(option: str, path: str) -> str:
    """The text of the file at *path*, which may also be a pipe, as the shell makes it of ``<(command)``.

    :param option: the option that names it, for errors.
    :raises OSError: if it cannot be read.
    :raises ValueError: if it has more than 4 MB, or is not UTF-8.
    """
    with Path(path).open("rb") as file:
        data = file.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise ValueError(f"{option} {path}: it has more than {_MAX_BYTES // 1024**2} MB")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{option} {path}: it is not UTF-8: {error}") from None
