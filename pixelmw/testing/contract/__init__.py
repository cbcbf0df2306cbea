"""What the middleware and the wrappers rely on in a sink, as checks that a sink is put through.

Each point of the contract is a function, and stands in the table of :mod:`.points`. It gets a :class:`.bench.Bench`,
gives the sink events and yields a sentence for each deviation. It raises :class:`.bench.Skip` if it does not apply.
"""

from .check import check_sink
from .suite import SinkContract

__all__ = ["SinkContract", "check_sink"]
