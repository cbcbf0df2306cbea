"""Pixels for RudderStack or Segment: stored on disk first, then posted to the data plane.

Run it with ``gunicorn --limit-request-line 8190 --threads 8 rudderstack_forward:application``.
DATA_PLANE_URL is that of a RudderStack server, or https://api.segment.io, and
WRITE_KEY that of a source there; SPOOL_DIR is a directory on a local disk.

While the data plane is down, pixels are accepted, and posted later. After an
outage some may be posted twice, with the same messageId: the data plane tells by
it. What it refuses for good is kept in the folder ``dead`` of SPOOL_DIR, and posted again by
``python -m pixelmw drain --dead --sink rudderstack_forward:application SPOOL_DIR``.
"""

import os

from werkzeug.wrappers import Response

from pixelmw import PixelMiddleware
from pixelmw.delivery import Spool
from pixelmw.sinks.http import HTTP

WRITE_KEY = os.environ["WRITE_KEY"]

data_plane = HTTP(os.environ["DATA_PLANE_URL"], WRITE_KEY)
spool = Spool(os.environ.get("SPOOL_DIR", "spool"), data_plane)
application = PixelMiddleware(Response("Hello\n"), spool, write_keys=[WRITE_KEY])
