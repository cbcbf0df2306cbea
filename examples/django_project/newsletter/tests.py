"""Tests of the pixels, with Django's own client: ``python manage.py test``."""

# Django comes without types.
# mypy: disallow-subclassing-any=False

import re
import threading
from html import unescape
from urllib.request import urlopen

from django.contrib.auth.models import User
from django.core import mail
from django.test import LiveServerTestCase, TestCase

from pixelmw.contrib.django.models import PixelEvent


def pixel_in(html: str) -> str:
    """The URL of the image in a page."""
    found = re.search(r'<img src="([^"]+)"', html)
    assert found
    return unescape(found[1])


class PixelTests(TestCase):
    """What visitors and readers do becomes events."""

    def test_a_visit_is_an_event(self) -> None:
        """The page has a pixel, and the pixel is an event."""
        page = self.client.get("/")
        assert self.client.get(pixel_in(page.content.decode())).status_code == 200
        assert PixelEvent.objects.get().body["name"] == "Home"

    def test_the_opening_of_a_mail_is_an_event_of_its_reader(self) -> None:
        """The mail has a pixel that names its reader."""
        reader = User.objects.create(username="ada", email="ada@example.org")
        self.client.post("/send/")
        html, _ = mail.outbox[0].alternatives[0]
        assert self.client.get(pixel_in(str(html))).status_code == 200
        event = PixelEvent.objects.get()
        assert (event.event, event.user_id) == ("Email Opened", str(reader.pk))
        assert event.body["properties"] == {"campaign": "spring"}


class ManyReaders(LiveServerTestCase):
    """A real server, with many readers at once."""

    def test_each_of_them_is_counted(self) -> None:
        """No event is lost, and none is refused."""
        url = f"{self.live_server_url}/pixel/v1/track?writeKey=website&event=Email+Opened"

        def read(reader: int) -> None:
            for number in range(30):
                with urlopen(f"{url}&userId={reader}&messageId={reader}-{number}") as answer:
                    assert answer.status == 200

        readers = [threading.Thread(target=read, args=[reader]) for reader in range(16)]
        for thread in readers:
            thread.start()
        for thread in readers:
            thread.join()
        assert PixelEvent.objects.count() == 480
