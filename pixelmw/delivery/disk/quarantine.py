"""Where damaged stretches of segments are kept, for somebody to look at."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable

from ..base import Full
from .directory import QUARANTINE, SpoolDirectory
from .segments.name import Segment

logger = logging.getLogger("pixelmw.delivery")


class Quarantine:
    """The folder ``quarantine`` of *directory*.

    :param admit: called with the size of each stretch in bytes before it is written; raises :class:`Full` if there is
        no room for it.
    """

    def __init__(self, directory: SpoolDirectory, admit: Callable[[int], object] = lambda size: None) -> None:
        self._directory = directory
        self._admit = admit

    def keep(self, segment: Segment, offset: int, data: bytes) -> None:
        """Keep *data* from *segment* at *offset*, on stable storage; log that it is lost if there is no room.

        :raises OSError: if it cannot be kept now.
        """
        try:
            self._admit(len(data))
        except Full as full:
            logger.error("what is left of %s at byte %d is not kept: %s", segment.name, offset, full)
            return
        with self._directory.open() as opened:
            opened.make_folder(QUARANTINE)
            with opened.folder(QUARANTINE) as folder:
                descriptor = folder.open_or_create(segment.damage_name(offset), os.O_WRONLY)
                with os.fdopen(descriptor, "wb") as file:
                    file.truncate(0)  # of an earlier try; not by a flag of open(), before the file was looked at
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                folder.sync()
