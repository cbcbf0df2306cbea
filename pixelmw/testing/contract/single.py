"""Points of the contract about single events: what comes back, and what is left alone."""

from __future__ import annotations

import copy
import queue
from collections import deque
from collections.abc import Iterator
from types import FunctionType
from typing import Any

from ...events import Event, Sink
from ..compare import as_lines, differences, name_of
from .arrivals import Deviation
from .bench import Bench, Skip
from .calls import attempt, refused
from .interleave import UNDISTURBED, switch_interval

# What a visitor may send, and what destinations stumble over: quoting, escapes and formats; line ends of every kind;
# white space at either end; what databases take for a value of their own; characters of two, three and four bytes,
# composed and decomposed, from right to left, invisible, replaced. NUL and half surrogates never reach a sink.
_TEXTS = {
    "quotes": "\"double\", 'single', `back`, \\, \\\\, \\n, \\u0041",
    "sql": "'); DROP TABLE events; --",
    "format": "100 %s %d %(name)s {} {0} $1 ${x} ? :name",
    "line ends": "a\nb\r\nc\rd\x0be\x0cf\x1cg\x1dh\x1ei\x85j\u2028k\u2029l",
    "controls": "".join(map(chr, range(1, 32))) + "\x7f\x80\x9f",
    "white space": " \t both ends \t ",
    "blank": "",
    "a space": " ",
    "null": "NULL",
    "number": "1e5",
    "zero": "007",
    "boolean": "true",
    "json": '{"a": [1, "]"]}',
    "markup": "<script>alert(1)</script>&amp;&lt;",
    "letters": "größe ñ ł İ \u0131 ß ẞ",
    "decomposed": "gro\u0308ße",
    "scripts": "日本語 العربية עברית हिन्दी",
    "emoji": "🎉 👩\u200d👩\u200d👧 🇩🇪",
    "bidi": "\u202eright to left\u202c",
    "invisible": "\u200b\u2060\ufeff\u00ad",
    "replaced": "\ufffd\uffff",
    "tag": "\U000e0041\U0010ffff",
}
_NUMBERS = {
    "none": 0,
    "negative": -1,
    "past double": 2**53 + 1,
    "most of 64 bits": 2**63 - 1,
    "least of 64 bits": -(2**63),
    "fraction": 0.1,
    "sum": 0.1 + 0.2,
    "small": 1e-7,
    "large": 1e21,
    "whole": 3.0,
}
_SHAPES: dict[str, Any] = {
    "empty": {},
    "list": [],
    "null": None,
    "yes": True,
    "no": False,
    "mixed": [1, "1", None, True, [], {}, [[]], {"a": [{"b": None}]}],
    "names": {
        "": 1,
        " ": 2,
        "a.b": 3,
        "$set": 4,
        "__proto__": 5,
        "Plan": 6,
        "plan": 7,
        "größe": 8,
        "gro\u0308ße": 9,
        "a'b\"c": 10,
        "0": 11,
    },
    "depth": {"1": {"2": {"3": {"4": {"5": {"6": {"7": ["deep"]}}}}}}},
}
# An event of a URL is 32 KB at most, unless Limits allow more or an enricher adds to it. More than 64 KB is more than
# a TEXT of MySQL or a field with a length of two bytes holds.
_LARGE: dict[str, dict[str, Any]] = {
    "a text of 20,000 characters": {"properties": {"text": "x" * 20_000}},
    "a text of 16,000 characters of three bytes": {"properties": {"text": "日" * 16_000}},
    "a text of 70,000 characters": {"properties": {"text": "x" * 70_000}},
    "an event name of 2,000 characters": {"event": "e" * 2000},
    "a userId of 2,000 characters": {"userId": "u" * 2000},
    "a URL of 4,000 characters": {"context": {"page": {"url": "https://shop.example/?" + "q" * 4000}}},
    "a name of 250 characters": {"properties": {"n" * 250: 1}},
    "250 properties": {"properties": {f"property {number}": number for number in range(250)}},
    "a list of 1,000": {"properties": {"list": list(range(1000))}},
    "an integer of 100 bits": {"properties": {"number": 2**100 + 1}},
}


def at_once(bench: Bench) -> Iterator[Deviation]:
    """What was taken is in the store when the call returns, and not a moment later: the visitor is told so."""
    if bench.has_flush:
        raise Skip("the sink has a flush: what it took is stored when that returns True")
    for count in (1, 30):
        sent = [bench.event() for _ in range(count)]
        with switch_interval(UNDISTURBED):
            found = [*bench.store(*sent), *bench.came(sent, patience=0.0)]
        if found:
            yield from found
            return


def every_type(bench: Bench) -> Iterator[Deviation]:
    """One event of each type, from an anonymous visitor and from a known one."""
    events = [bench.event(event_type) for event_type in bench.flags.event_types]
    events += [bench.event(userId="user-42"), bench.event(anonymousId="a", context={"campaign": {"name": "spring"}})]
    yield from _stored(bench, events)


def awkward_values(bench: Bench) -> Iterator[Deviation]:
    """Text, numbers and shapes that some destination or other does not hold; each in an event of its own."""
    events = [bench.event(properties={name: value}) for name, value in (_TEXTS | _NUMBERS | _SHAPES).items()]
    events += [bench.event(userId=text, event=text) for text in (_TEXTS["sql"], _TEXTS["emoji"], _TEXTS["letters"])]
    yield from _stored(bench, events)


def similar_ids(bench: Bench) -> Iterator[Deviation]:
    """Ids that a collation, a trim or a normalisation takes for one."""
    stem = bench.event()["messageId"]
    endings = ["a", "A", "a ", "ä", "a\u0308", "á", "\uff41", "a.", "a\u200b"]
    yield from _stored(bench, [bench.event(messageId=f"{stem}{ending}") for ending in endings])


def large(bench: Bench) -> Iterator[Deviation]:
    """Each is refused, or it is stored whole; between them, ordinary ones are taken."""
    taken = []
    long_id = f"{bench.event()['messageId']}{'x' * 300}"
    long_ids = [(f"a messageId of {len(long_id) + 1} characters", {"messageId": f"{long_id}{end}"}) for end in "ab"]
    for name, fields in [*_LARGE.items(), *long_ids]:
        event = bench.event(**fields)
        if bench.give(event) is None:
            taken.append(event)
        ordinary = bench.event()
        if (error := bench.give(ordinary)) is not None:
            yield refused(ordinary, error).where(f"after an event with {name}")
        else:
            taken.append(ordinary)
    yield from bench.came(taken)


def unchanged(bench: Bench) -> Iterator[Deviation]:
    """The dict that the sink is called with is the caller's, also where it holds lists and dicts."""
    for event_type in bench.flags.event_types:
        given = bench.event(event_type, properties={"list": [1, {"a": []}]})
        before = copy.deepcopy(given)
        if (error := attempt(bench.sink, given)) is not None:
            yield refused(before, error)
        yield from changes(before, given)


def changes(before: Event, after: Event) -> Iterator[Deviation]:
    """Yield a sentence if the sink has changed an event that it was given."""
    if lines := as_lines(list(differences(before, after)), ("it was", "it is now")):
        yield Deviation(
            f"{name_of(before)} was changed by the call. Others use the same dict: change a copy, such as "
            "{**event, ...} or copy.deepcopy(event):\n  " + "\n  ".join(lines),
            "changed by the call",
        )


def kept_copies(bench: Bench) -> Iterator[Deviation]:
    """Changes an event after the call has returned."""
    sent = bench.event(properties={"list": [1]})
    given = copy.deepcopy(sent)
    if (error := attempt(bench.sink, given)) is not None:
        yield refused(sent, error)
        return
    if _is_list(bench.sink, given):
        raise Skip("the sink is the append of a plain list, which keeps the very dict that it is given")
    given["properties"]["list"].append(_AFTERWARDS)
    given["properties"]["plan"] = given["event"] = _AFTERWARDS
    found = list(bench.came([sent]))
    if any(_AFTERWARDS in each for each in found):
        yield Deviation(
            f"{name_of(sent)} was changed after the call had returned, and so was what is stored: the sink keeps a "
            "reference. Keep the text, json.dumps(event), or copy.deepcopy(event)"
        )
    else:
        yield from found


_AFTERWARDS = "changed after the call"


def _is_list(sink: Sink, given: Event) -> bool:
    """Return True if *sink* is the ``append`` of a list or a function around one, which now has *given*, or of a queue.

    "A list is a sink", as the middleware's documentation has it: nobody changes an event after the call. A class of
    its own is held to more.
    """
    owner = getattr(sink, "__self__", None)
    if isinstance(owner, queue.Queue | queue.SimpleQueue):
        return True
    holders = [owner]
    if isinstance(sink, FunctionType):
        holders += [cell.cell_contents for cell in sink.__closure__ or ()]
        holders += [sink.__globals__.get(name) for name in sink.__code__.co_names]
    return any(isinstance(holder, list | deque) and any(each is given for each in holder) for holder in holders)


def repeated(bench: Bench) -> Iterator[Deviation]:
    """The same event twice, as a client sends it that heard no answer."""
    event, other = bench.event(), bench.event()
    yield from bench.store(event)
    if (error := bench.give(event)) is not None:
        yield Deviation(
            f"{name_of(event)} was refused with {error!r} when it came again. A client and a wrapper that heard no "
            "answer send it again, for ever: take it, as stored"
        )
    yield from bench.store(other)
    yield from bench.came([event, other], repeated={event["messageId"]})


def stored_once(bench: Bench) -> Iterator[Deviation]:
    """With ``stores_once``, one event of a messageId is there: the first one or the last one."""
    if not bench.flags.stores_once:
        raise Skip("stores_once=False")
    first, other = bench.event(), bench.event()
    last = bench.event(messageId=first["messageId"], event="Another name")
    for event in (first, first, last, other):
        yield from bench.store(event)
    yield from bench.came([first, other], instead={first["messageId"]: last})


def _stored(bench: Bench, events: list[Event]) -> Iterator[Deviation]:
    taken = []
    for event in events:
        if (error := bench.give(event)) is None:
            taken.append(event)
        else:
            yield refused(event, error)
    yield from bench.came(taken)
