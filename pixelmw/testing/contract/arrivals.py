"""Holds what came back against what was sent: what is lost, changed, doubled, invented or out of order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType

from ...events import Event
from ..compare import as_lines, differences, name_of

_SHOWN = 3  # of each kind, in a message
_VERBS = ("sent", "came back as")
NOTHING: Mapping[str, Event] = MappingProxyType({})


class Deviation(str):
    """A sentence about one way in which a sink deviates, and what to do about it.

    :ivar kind: a word for its kind, for a report that says a second time no more than "as before"; or "".
    """

    kind: str

    def __new__(cls, words: str, kind: str = "") -> Deviation:
        self = super().__new__(cls, words)
        self.kind = kind
        return self

    def where(self, circumstances: str) -> Deviation:
        """Return the same, with the circumstances in front."""
        return Deviation(f"{circumstances}, {self}", self.kind)


def deviations(
    sent: Sequence[Event],
    came: Sequence[Event],
    *,
    maybe: Sequence[Event] = (),
    repeated: Collection[str] = (),
    instead: Mapping[str, Event] = NOTHING,
    refused: Mapping[str, Exception],
    orders: Sequence[Sequence[Event]],
    has_flush: bool,
) -> Iterator[Deviation]:
    """Yield each way in which *came* is not *sent*.

    :param maybe: events that may be there or not; where they are, they have to be as they were sent.
    :param repeated: the messageIds that may be there more than once.
    :param instead: by messageId, an event that may be there in place of the one that was sent.
    :param refused: the messageIds for which the sink raised, and what.
    :param orders: lists of events, each of which has to come in its order.
    :param has_flush: True if the sink has said that everything has arrived.
    """
    copies: defaultdict[object, list[Event]] = defaultdict(list)
    for event in came:
        copies[_id_of(event)].append(event)
    needed = {event["messageId"]: event for event in sent}
    lost, changed, doubled = [], [], []
    for message_id, event in {**{each["messageId"]: each for each in maybe}, **needed}.items():
        found = copies.pop(message_id, [])
        if not found and message_id in needed:
            lost.append(event)
        if len(found) > 1 and message_id not in repeated:
            doubled.append(event)
        versions = [event, *([instead[message_id]] if message_id in instead else [])]
        wrong = [copy for copy in found if all(any(differences(version, copy)) for version in versions)]
        changed += [(event, copy) for copy in wrong[:1]]
    strangers = [event for found in copies.values() for event in found]
    for stranger in list(strangers):
        likeliest = min(lost, key=lambda event: sum(1 for _ in differences(event, stranger)), default=None)
        if likeliest is not None and any(stranger.get(name) == value for name, value in likeliest.items()):
            lost.remove(likeliest)
            strangers.remove(stranger)
            changed.append((likeliest, stranger))
    why = (
        "flush returned True. Let flush wait until everything has arrived, and return False if the time is over"
        if has_flush
        else "its call returned. Return only after an event is stored, and raise where it is not"
    )
    yield from _few([f"{name_of(event)} is lost: it is not there, though {why}" for event in lost], "lost")
    yield from _few([_change(event, copy) for event, copy in changed], "changed")
    words = "is there twice, and was given once. Store it once in each call"
    yield from _few([f"{name_of(event)} {words}" for event in doubled], "doubled")
    yield from _few([_stranger(event, refused) for event in strangers], "uncalled for")
    for order in orders:
        if mixed := list(_order([event for event in order if event["messageId"] not in repeated], came)):
            yield from mixed
            break


def _change(event: Event, copy: Event) -> str:
    lines = as_lines(list(differences(event, copy)), _VERBS, limit=4)
    return f"{name_of(event)} came back changed. Store it as it is, or raise Undeliverable:\n  " + "\n  ".join(lines)


def _stranger(event: Event, refused: Mapping[str, Exception]) -> str:
    if (error := refused.get(str(event.get("messageId")))) is None:
        return f"{name_of(event)} came back, and was never sent. Store nothing else"
    return (
        f"{name_of(event)} is there, though its call raised {error!r}. It will be sent again, and be there twice: "
        "raise only where it is not stored"
    )


def _order(sent: Sequence[Event], came: Sequence[Event]) -> Iterator[Deviation]:
    there = {_id_of(event) for event in came}
    wanted = list(dict.fromkeys(event["messageId"] for event in sent if event["messageId"] in there))
    place_of = {message_id: place for place, message_id in enumerate(wanted)}
    places = [place_of[each] for each in dict.fromkeys(map(_id_of, came)) if each in place_of]
    if places != sorted(places):
        places = places[next(index for index, place in enumerate(places) if place != index) :]
        yield Deviation(
            f"{len(wanted)} events came back in another order: in place of number {min(places)}, there came "
            f"{', '.join(map(str, places[:8]))}. Store them in the order of the calls, and of the list in a call; or "
            "say keeps_order=False",
            "out of order",
        )


def _id_of(event: Event) -> object:
    message_id = event.get("messageId")
    return message_id if isinstance(message_id, str) else repr(message_id)


def _few(sentences: list[str], kind: str) -> Iterator[Deviation]:
    for sentence in sentences[:_SHOWN]:
        yield Deviation(sentence, kind)
    if len(sentences) > _SHOWN:
        yield Deviation(f"and {len(sentences) - _SHOWN} more are {kind}", kind)
