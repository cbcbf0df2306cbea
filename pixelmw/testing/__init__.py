"""For tests of your own: what a pixel URL becomes, what reached the sink, and whether a sink keeps its promises.

It needs no test framework. ``pytest_plugins = ["pixelmw.testing.fixtures"]`` gives pytest the fixtures ``recorder`` and
``pixel_client``.
"""

from .contract import SinkContract, check_sink
from .failing import Failing
from .from_url import collect
from .recorder import Recorder
from .samples import sample_event

__all__ = ["Failing", "Recorder", "SinkContract", "check_sink", "collect", "sample_event"]
