"""Holds what came back against what was sent: what is lost, changed, doubled, invented or out of order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence

from ...events import Event
from ..compare import as_lines, differences, name_of

_SHOWN = 3  # of each kind, in a message
_VERBS = ("sent", "came back as")


def deviations(
    sent: Sequence[Event],
    came: Sequence[Event],
    *,
    maybe: Sequence[Event] = (),
    repeated: Collection[str] = (),
    in_order: bool,
    has_flush: bool,
) -> Iterator[str]:
    """Yield a sentence for each way in which *came* is not *sent*.

    :param maybe: events that may be there or not; where they are, they have to be as they were sent.
    :param repeated: the messageIds that may be there more than once.
    :param in_order: True if *came* has to be in the order of *sent*.
    :param has_flush: True if the sink has said that everything has arrived.
    """
    copies: defaultdict[object, list[Event]] = defaultdict(list)
    for event in came:
        copies[_id_of(event)].append(event)
    lost, changed, doubled = [], [], []
    for event in {each["messageId"]: each for each in [*sent, *maybe]}.values():
        found = copies.pop(event["messageId"], [])
        if not found and not any(event is each for each in maybe):
            lost.append(event)
        if len(found) > 1 and event["messageId"] not in repeated:
            doubled.append(
                f"{name_of(event)} is there {len(found)} times, and was given once. Store it once in each call"
            )
        changed += [_change(event, copy) for copy in found[:1] if any(differences(event, copy))]
        changed += [
            _change(event, copy)
            for copy in found[1:]
            if event["messageId"] in repeated and any(differences(event, copy))
        ]
    strangers = [event for found in copies.values() for event in found]
    for stranger in list(strangers):
        if lost:
            likeliest = min(lost, key=lambda event: sum(1 for _ in differences(event, stranger)))
            if any(stranger.get(name) == value for name, value in likeliest.items()):
                lost.remove(likeliest)
                strangers.remove(stranger)
                changed.append(_change(likeliest, stranger))
    said = (
        "flush returned True. Let it wait until everything has arrived, and return False if the time is over"
        if has_flush
        else "its call returned. Raise where an event is not stored, and return only after it is"
    )
    yield from _some([f"{name_of(event)} is lost: it is not there, though {said}" for event in lost])
    yield from _some(changed)
    yield from _some(doubled)
    yield from _some([f"{name_of(event)} came back, and was never sent. Store nothing else" for event in strangers])
    if in_order:
        yield from _order(sent, came)


def _change(event: Event, copy: Event) -> str:
    lines = as_lines(list(differences(event, copy)), _VERBS, limit=4)
    return f"{name_of(event)} came back changed. Store it as it is, or raise Undeliverable:\n  " + "\n  ".join(lines)


def _order(sent: Sequence[Event], came: Sequence[Event]) -> Iterator[str]:
    there = {_id_of(event) for event in came}
    wanted = [event["messageId"] for event in sent if event["messageId"] in there]
    first_seen = dict.fromkeys(_id_of(event) for event in came)
    got = [each for each in first_seen if each in set(wanted)]
    if wanted != got:
        places = [wanted.index(each) for each in got]
        yield (
            f"{len(wanted)} events came back in another order: of those sent as 0 to {len(wanted) - 1}, first came "
            f"{', '.join(map(str, places[:10]))}. Store them in the order of the calls, and of the list in a call; or "
            "say keeps_order=False"
        )


def _id_of(event: Event) -> object:
    message_id = event.get("messageId")
    return message_id if isinstance(message_id, str) else repr(message_id)


def _some(sentences: list[str]) -> Iterable[str]:
    more = len(sentences) - _SHOWN
    return sentences[:_SHOWN] + ([f"and {more} more like these"] if more > 0 else [])
