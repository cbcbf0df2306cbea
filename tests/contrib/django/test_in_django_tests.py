"""Pixels as the tests of a Django project see them, each class on a database in a file."""

# Django comes without types.
# mypy: disallow-subclassing-any=False

from __future__ import annotations

import threading
from typing import Any
from urllib.request import urlopen

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import LiveServerTestCase, TestCase, TransactionTestCase, override_settings

from pixelmw import Event
from pixelmw.contrib.django import ModelSink, project
from pixelmw.contrib.django.models import PixelEvent
from pixelmw.delivery import Background

TRACK = "/pixel/v1/track?writeKey=k&anonymousId=a&event=Opened"
SINK = "pixelmw.contrib.django.ModelSink"


def with_a_user(event: Event, request: Any) -> None:
    """An enricher that uses the ORM."""
    event["users"] = User.objects.count()


class PixelsInATestCase(TestCase):
    def test_a_pixel_is_a_row(self) -> None:
        assert self.client.get(TRACK).status_code == 200
        assert PixelEvent.objects.get().event == "Opened"

    def test_the_row_of_another_test_is_gone(self) -> None:
        assert self.client.get(TRACK).status_code == 200
        assert PixelEvent.objects.count() == 1

    async def test_the_async_client_and_the_test_see_the_same_rows(self) -> None:
        """https://github.com/dj-bolt/django-bolt/pull/315: threads saw none of the test's rows."""
        await User.objects.acreate(username="somebody")
        with override_settings(PIXELMW={"SINK": SINK, "ENRICH": [with_a_user]}):
            assert (await self.async_client.get(TRACK)).status_code == 200
        assert (await PixelEvent.objects.aget()).body["users"] == 1

    def test_the_connection_of_the_test_stays_open(self) -> None:
        raw = connection.connection
        assert self.client.get(TRACK).status_code == 200
        ModelSink()({"messageId": "1", "type": "track"})
        assert connection.connection is raw
        assert connection.in_atomic_block

    def test_a_query_is_counted_as_a_query(self) -> None:
        with self.assertNumQueries(3):  # a savepoint, the row, the end of the savepoint
            self.client.get(TRACK)

    def test_another_setting_counts_from_its_first_line_to_its_last(self) -> None:
        with override_settings(PIXELMW={"SINK": SINK, "WRITE_KEYS": ["secret"]}):
            assert self.client.get(TRACK).status_code == 401
            assert self.client.get(TRACK.replace("=k", "=secret")).status_code == 200
        assert self.client.get(TRACK).status_code == 200


@override_settings(PIXELMW={"SINK": [].append, "PATHS": {"/open.gif": "track"}})
class PixelsWithASettingForTheClass(TestCase):
    def test_it_counts_in_each_test(self) -> None:
        assert self.client.get("/open.gif?writeKey=k&anonymousId=a&event=e").content[:3] == b"GIF"
        assert self.client.get(TRACK).content[:3] != b"GIF"


class PixelsInATransactionTestCase(TransactionTestCase):
    def test_a_pixel_is_committed(self) -> None:
        assert self.client.get(TRACK).status_code == 200
        assert counted_in_another_thread() == 1

    async def test_a_pixel_of_the_async_client_is_committed(self) -> None:
        assert (await self.async_client.get(TRACK)).status_code == 200
        assert await PixelEvent.objects.acount() == 1

    def test_the_connection_of_the_test_stays_open(self) -> None:
        assert PixelEvent.objects.count() == 0
        raw = connection.connection
        assert self.client.get(TRACK).status_code == 200
        assert connection.connection is raw

    def test_a_repeated_message_is_stored_once_and_the_first_stays(self) -> None:
        for event in ("First", "Second"):
            assert self.client.get(f"{TRACK}&messageId=1".replace("Opened", event)).status_code == 200
        assert PixelEvent.objects.get().event == "First"

    def test_a_background_stores_from_its_own_thread(self) -> None:
        with Background(ModelSink(), max_delay=0) as background:
            with override_settings(PIXELMW={"SINK": background}):
                assert self.client.get(TRACK).status_code == 200
            assert background.flush(10)
        assert PixelEvent.objects.count() == 1

    def test_what_is_rolled_back_later_is_not_called_stored(self) -> None:
        with transaction.atomic(), self.assertRaisesMessage(RuntimeError, "durable"):
            ModelSink()({"messageId": "1", "type": "track"})
        assert PixelEvent.objects.count() == 0


class PixelsWithRequestsInATransaction(TransactionTestCase):
    def setUp(self) -> None:
        connection.settings_dict["ATOMIC_REQUESTS"] = True
        self.addCleanup(connection.settings_dict.__setitem__, "ATOMIC_REQUESTS", False)

    def test_a_pixel_is_committed_whatever_becomes_of_the_view(self) -> None:
        assert self.client.get(TRACK).status_code == 200
        assert counted_in_another_thread() == 1
        assert self.client.get("/plain").status_code == 200


class PixelsOnAServer(LiveServerTestCase):
    def test_pixels_from_many_threads_are_all_stored(self) -> None:
        statuses: list[int] = []

        def send(number: int) -> None:
            for part in range(10):
                with urlopen(f"{self.live_server_url}{TRACK}&messageId={number}-{part}") as response:
                    statuses.append(response.status)

        threads = [threading.Thread(target=send, args=[number]) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert statuses == [200] * 80
        assert PixelEvent.objects.count() == 80


class PixelsThatKeepTheirConnection(LiveServerTestCase):
    """With CONN_MAX_AGE, connections outlive requests, and Django closes them when they are old."""

    def setUp(self) -> None:
        connection.settings_dict["CONN_MAX_AGE"] = None
        self.addCleanup(connection.settings_dict.__setitem__, "CONN_MAX_AGE", 0)

    def test_each_pixel_is_stored(self) -> None:
        for number in range(5):
            with urlopen(f"{self.live_server_url}{TRACK}&messageId={number}") as response:
                assert response.status == 200
        assert PixelEvent.objects.count() == 5


class TheSettingIsRead(TestCase):
    def test_once_and_again_after_it_changed(self) -> None:
        first = project.middleware()
        assert project.middleware() is first
        with override_settings(PIXELMW={"SINK": SINK}):
            assert project.middleware() is not first
        with override_settings(USE_TZ=False):
            pass
        assert isinstance(project.middleware().collector.sink, ModelSink)


def counted_in_another_thread() -> int:
    """How many rows another connection sees."""
    counts: list[int] = []

    def count() -> None:
        counts.append(PixelEvent.objects.count())
        connection.close()

    thread = threading.Thread(target=count)
    thread.start()
    thread.join()
    return counts[0]
