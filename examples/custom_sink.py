"""A sink of your own, and its tests: a sink is a callable that takes a dict.

Run the tests with ``pytest custom_sink.py``.
"""

import hashlib
import json
from pathlib import Path

from pixelmw import Event
from pixelmw.sinks import Unavailable
from pixelmw.testing import Recorder, check_sink, collect, sample_event


class FolderByDay:
    """Stores each event in a file of its own, in a folder for each day; a request is answered 200 once this returned.

    :param folder: made if it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, event: Event) -> None:
        day = self.folder / event["receivedAt"][:10]
        # A messageId comes from a visitor: it may be long, and is no name for a file.
        name = hashlib.sha256(event["messageId"].encode()).hexdigest()
        try:
            day.mkdir(parents=True, exist_ok=True)
            file = day / f"{event['receivedAt'].replace(':', '')}-{name}.json"
            # Under its own name, a file is there whole or not at all, whatever ends this call.
            file.with_suffix(".part").write_text(json.dumps(event))
            file.with_suffix(".part").replace(file)
        except OSError as error:
            raise Unavailable(f"{day} cannot be written") from error


def stored(folder: Path) -> list[Event]:
    """The events in *folder*, by their times."""
    return [json.loads(file.read_text()) for file in sorted(folder.glob("*/*.json"))]


def test_the_sink_keeps_what_the_middleware_relies_on(tmp_path: Path) -> None:
    check_sink(lambda: FolderByDay(tmp_path), lambda: stored(tmp_path), survives_fork=True)


def test_an_event_is_in_the_folder_of_its_day(tmp_path: Path) -> None:
    """No server, no middleware: the sink is just called."""
    FolderByDay(tmp_path)(sample_event("track", receivedAt="2026-11-23T12:34:56.789Z"))
    assert [folder.name for folder in tmp_path.iterdir()] == ["2026-11-23"]


def test_a_url_becomes_an_event() -> None:
    """No sink either: only what the URL says."""
    event = collect("/pixel/v1/track?anonymousId=a&event=Opened&context.campaign.name=spring")
    assert event["context"]["campaign"] == {"name": "spring"}


def test_a_pixel_url_is_recorded() -> None:
    """The whole way, from a client to a sink, still without a server."""
    from werkzeug.test import Client
    from werkzeug.wrappers import Response

    recorder = Recorder()
    client = Client(recorder.wrap(Response("host"), write_keys="optional"))
    assert client.get("/pixel/v1/track?anonymousId=a&event=Opened").status_code == 200
    assert client.get("/pixel/v1/track?event=Opened").status_code == 400
    recorder.one(event="Opened", anonymousId="a")
    assert [refusal.message for refusal in recorder.bad] == ["anonymousId or userId is required"]
