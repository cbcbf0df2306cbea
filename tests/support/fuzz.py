"""Requests made of a seed: honest, damaged and hostile ones, each sent in two orders of its parameters."""

from __future__ import annotations

import base64
import json
from collections import Counter
from random import Random
from typing import Any
from urllib.parse import quote
from wsgiref.validate import validator

from werkzeug.test import create_environ

from pixelmw import PATHS, SEGMENT_PATHS, Collector, Event, Limits, PixelMiddleware, Rejected
from pixelmw.errors import STATUS_OF_CODE
from pixelmw.replies import GIF
from pixelmw.text import id_says_nothing
from tests.support.pixel import NOW, host_app

KEY = "sEcReTkEy"
IDS = ("messageId", "anonymousId", "userId", "groupId", "previousId")
_TYPED: dict[str, Any] = {
    "properties": {
        "properties": {
            "properties": {
                "n": {"type": "number"},
                "flag": {"type": ["boolean", "null"]},
                "list": {"type": "array", "items": {"type": "integer"}},
            }
        }
    }
}
# No two of these are the same name, and some are in conflict.
_NAMES = [
    "event", "name", "channel", "sentAt", "timestamp", "category", "type", "integrations.All", "context", "context.ip",
    "context.locale", "context.page.url", "context.page", "context.screen.width", "context.active", "properties",
    "properties.n", "properties.flag", "properties.list.0", "properties.list.1", "properties.list.2", "properties.a.b",
    "properties.a", "properties.a.b.c", "properties.x.0.y", "properties.x.1", "traits", "traits.email", "a.0", "a.1",
    "a.01", "a.b", "a..b", "..", "x.99999999999", "__proto__.x", r"d\.e", r"d\.e.f", r"\0", r"g.\0", "receivedAt",
    "d.a.a.a.a.a.a.a.a.a.a", "n" * 257,
]  # fmt: skip
_TEXTS = [
    "", " ", "x", "42", "-1.5", "1e999", "true", "null", "undefined", "NaN", "None", "[object Object]", "{{x}}", "${x}",
    "*|X|*", "%%X%%", "[[x]]", "#{x}", "[%x%]", "{x}", "a{{x}}b", "\0", "\ufffd", "\u200b", "\ufeffa\u200d", '"quoted"',
    '"undefined"', "2026-11-26T12:00:00.000Z", "<script>", "Bücher 書籍 📚", "a\r\nb", "a&b=c", "writeKey", "9" * 400,
    "x" * 300,
]  # fmt: skip
_RAW = [b"%zz", b"%", b"%4", b"\xff\xfe", b"%FF", b"%C3", b"+", b";", b"\xc3\xa9", b"%ED%A0%80", b"%00", b"%0A", b"="]
_DAMAGE = [b"amp;", b"amp;amp;", b"+", b"%0D%0A+", b"%20amp;%09"]
_HEADERS = {
    "HTTP_ACCEPT_LANGUAGE": ["", "en-GB,en;q=0.9", "-BE", "q=0.8", "x" * 3000, "de;q=0,*", "a," * 2000, "\xff;q=1"],
    "HTTP_USER_AGENT": ["", "Mozilla/5.0", "y" * 9000, "\xff\xfe", "\xc3\xa9"],
    "HTTP_REFERER": ["", "https://h.example/?a=b", "z" * 9000],
    "REMOTE_ADDR": ["", "127.0.0.1", "203.0.113.7:80", "[2001:db8::7]:4711", "::ffff:1.2.3.4", "unknown", "unix:", "%"],
    "HTTP_ACCEPT": ["", "text/plain", "image/*,*/*;q=0.8", "a/b;q=x," * 900],
}
_PATHS = PATHS | SEGMENT_PATHS


class Fuzz:
    """One stream of requests, and the middleware that answers them.

    :ivar outcomes: how many requests were answered with each status and code.
    """

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self._events: list[Event] = []
        self._refusals: list[Rejected] = []
        typed = {"track": _TYPED, "page": {"allOf": [{"$ref": "urn:pixelmw:page"}], **_TYPED}}
        self._apps = [validator(self._middleware({}, "gif")), validator(self._middleware(typed, "auto"))]
        self._environ = create_environ("/")

    def _middleware(self, schemas: dict[str, Any], reply: Any) -> PixelMiddleware:
        collector = Collector(
            self._events.append,
            schemas=schemas,
            on_reject=self._refusals.append,
            limits=Limits(params=40),
            clock=lambda: NOW,
            new_id=lambda: "new",
        )
        return PixelMiddleware.around(host_app, collector, paths=_PATHS, reply=reply)

    def run(self, pairs: int) -> Counter[tuple[str, str]]:
        """Send *pairs* requests, each in two orders; return the outcomes.

        :raises AssertionError: with the query, if an answer is not one of the contract.
        """
        for _ in range(pairs):
            parameters = self._parameters()
            environ = {name: self.random.choice(values) for name, values in _HEADERS.items()}
            environ["PATH_INFO"] = "/" * self.random.randrange(2) + self.random.choice([*_PATHS])
            environ["REQUEST_METHOD"] = "POST" if self.random.random() < 0.01 else "GET"
            app = self.random.choice(self._apps)
            results = []
            for _ in range(2):
                query = b"&".join(parameters)
                try:
                    results.append(self._answered(app, {**self._environ, **environ}, query.decode("latin-1")))
                    assert results[0] == results[-1]
                except AssertionError as error:
                    raise AssertionError(f"{environ} {query!r}") from error
                self.random.shuffle(parameters)
        return self.outcomes

    def _parameters(self) -> list[bytes]:
        random = self.random
        names = random.sample(_NAMES, random.randrange(6))
        ids = random.sample(IDS, random.randrange(1, 4))
        found = [self._pair(name) for name in [*names, *ids]]
        if random.random() < 0.95:
            found.append(self._damaged("writeKey") + b"=" + KEY.encode())
        if random.random() < 0.6:
            found.append(b"event=e" if "event" not in names else b"name2=n")
        if random.random() < 0.15:
            found.append(self._data())
        found += [
            b"j%d%s=%s" % (number, self._noise(), self._noise()) for number in range(random.choice([0, 0, 0, 1, 2]))
        ]
        if random.random() < 0.01:
            found += [b"many%d" % number for number in range(40)]
        random.shuffle(found)
        return found

    def _pair(self, name: str) -> bytes:
        text = self.random.choice(_TEXTS) if self.random.random() < 0.6 else "7"
        value = quote(text, safe=self.random.choice(["", "{}[]$*|<>/:"])).encode()
        if self.random.random() < 0.1:
            value += self._noise()
        bare = not value and self.random.random() < 0.5
        return self._damaged(name) + (b"" if bare else b"=" + value)

    def _damaged(self, name: str) -> bytes:
        raw = quote(name, safe="\\.").encode()
        if self.random.random() < 0.1:
            raw = b"%%%02X" % raw[0] + raw[1:]
        if self.random.random() < 0.2:
            raw = self.random.choice(_DAMAGE) + raw + self.random.choice([b"", b"+", b"%0A"])
        return raw

    def _noise(self) -> bytes:
        return b"".join(self.random.choices(_RAW, k=self.random.randrange(4))).replace(b"&", b"")

    def _data(self) -> bytes:
        random = self.random
        inside: dict[str, Any] = {name: random.choice(_TEXTS) for name in random.sample(_NAMES, 3)}
        inside |= {"userId": random.choice(["u", 7, None, *_TEXTS]), "writeKey": KEY, "event": "e"}
        inside["properties"] = random.choice([None, {}, [], {"n": random.choice([1, 1e300, "x", "2"])}, "text"])
        text = json.dumps(inside)
        if random.random() < 0.2:
            text = random.choice(
                ['{"a":' * 300, text[:-5], text.replace(":", ": NaN,", 1), '{"a": 1e999, "userId": "u"}']
            )
        encoded = random.choice([base64.b64encode, base64.urlsafe_b64encode])(text.encode())
        return (
            self._damaged("data") + b"=" + (encoded if random.random() < 0.5 else quote(encoded.rstrip(b"=")).encode())
        )

    def _answered(self, app: Any, environ: dict[str, Any], query: str) -> Any:
        self._events.clear()
        self._refusals.clear()
        started: list[Any] = []
        body = app(
            environ | {"QUERY_STRING": query}, lambda status, headers, exc_info=None: started.append((status, headers))
        )
        content = b"".join(body)
        body.close()
        status, headers = started[0][0][:3], dict(started[0][1])
        code = headers.get("X-Pixel-Error", "")
        self.outcomes[status, code] += 1
        assert KEY not in str(started)
        assert content == GIF or headers["Content-Type"].startswith("text/plain")
        if status == "200":
            assert (len(self._events), len(self._refusals), code) == (1, 0, "")
            self._check_event(self._events[0])
            return self._events[0]
        assert (len(self._events), len(self._refusals)) == (0, 1)
        refusal = self._refusals[0]
        assert (refusal.code, str(refusal.status)) == (code, status)
        assert STATUS_OF_CODE[code] == refusal.status != 503
        for text in (refusal.query, refusal.message, content.decode("latin-1")):
            assert KEY not in text
        return refusal.code, refusal.path, refusal.rule, refusal.message

    @staticmethod
    def _check_event(event: Event) -> None:
        text = json.dumps(event, allow_nan=False, ensure_ascii=False)
        assert json.loads(text.encode("utf-8", "strict")) == event
        assert "writeKey" not in event
        assert all(type(event.get(name, {})) is dict for name in ("context", "properties", "traits"))
        assert not [name for name in IDS if isinstance(event.get(name), str) and id_says_nothing(event[name])]
        assert event["messageId"]
        assert len(event["context"].get("userAgent", "")) <= 9000


def run(seed: int, pairs: int) -> Counter[tuple[str, str]]:
    """The outcomes of one stream of 2 x *pairs* requests, for a process of its own."""
    return Fuzz(seed).run(pairs)
