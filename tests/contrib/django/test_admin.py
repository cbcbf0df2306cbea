"""The admin shows the events, whatever they hold, and changes none."""

# Django comes without types.
# mypy: disallow-subclassing-any=False

from __future__ import annotations

from django.contrib.admin.utils import quote
from django.contrib.auth.models import Permission, User
from django.test import TestCase, override_settings
from django.urls import reverse

from pixelmw.contrib.django import ModelSink
from pixelmw.contrib.django.models import PixelEvent
from tests.support import django_site

LIST = "/admin/pixelmw/pixelevent/"


@override_settings(
    ROOT_URLCONF="tests.support.django_admin_urls",
    MIDDLEWARE=[
        django_site.MIDDLEWARE,
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
)
class EventsInTheAdmin(TestCase):
    def setUp(self) -> None:
        self.client.force_login(User.objects.create_superuser("admin"))

    def page(self, message_id: str) -> str:
        return str(reverse("admin:pixelmw_pixelevent_change", args=[quote(message_id)]))

    def test_a_pixel_is_seen_there(self) -> None:
        assert self.client.get("/pixel/v1/track?writeKey=k&anonymousId=a&event=Opened").status_code == 200
        self.assertContains(self.client.get(LIST), "Opened")
        self.assertContains(self.client.get(self.page(PixelEvent.objects.get().pk)), "&quot;anonymousId&quot;")

    def test_nothing_of_an_event_becomes_markup(self) -> None:
        evil = "<script>alert(1)</script>"
        fields = dict.fromkeys(("messageId", "event", "userId", "anonymousId", "type", "receivedAt", evil), evil)
        ModelSink()(fields)
        for page in (LIST, self.page(PixelEvent.objects.get().pk)):
            self.assertNotContains(self.client.get(page, follow=True), evil)
            self.assertContains(self.client.get(page, follow=True), "&lt;script&gt;")

    def test_every_event_has_a_page_whatever_its_id(self) -> None:
        for message_id in ("../../x", "a/b?c#d", "_5F", "%2F", "é\U0001f41e", " x", "a\nb", "x" * 300, '"; DROP'):
            ModelSink()({"messageId": message_id, "event": "here"})
        for row in PixelEvent.objects.all():
            self.assertContains(self.client.get(self.page(row.pk)), "here")

    def test_events_are_listed_newest_first_and_found(self) -> None:
        for number in (1, 3, 2):
            ModelSink()({"messageId": str(number), "userId": f"u{number}", "receivedAt": f"2026-01-0{number}"})
        shown = self.client.get(LIST).content.decode()
        assert shown.index(">u3<") < shown.index(">u2<") < shown.index(">u1<")
        self.assertNotContains(self.client.get(f"{LIST}?q=u2"), ">u1<")

    def test_nobody_can_add_change_or_delete(self) -> None:
        ModelSink()({"messageId": "1", "event": "here"})
        assert self.client.get(f"{LIST}add/").status_code == 403
        assert self.client.post(self.page("1"), {"event": "changed"}).status_code == 403
        assert (
            self.client.post(reverse("admin:pixelmw_pixelevent_delete", args=["1"]), {"post": "yes"}).status_code == 403
        )
        self.client.post(LIST, {"action": "delete_selected", "_selected_action": "1", "post": "yes"})
        assert PixelEvent.objects.get().event == "here"

    def test_only_who_may_view_events_sees_them(self) -> None:
        somebody = User.objects.create(username="somebody", is_staff=True)
        self.client.force_login(somebody)
        assert self.client.get(LIST).status_code == 403
        somebody.user_permissions.add(Permission.objects.get(codename="view_pixelevent"))
        assert self.client.get(LIST).status_code == 200
        assert str(PixelEvent(type="track", message_id="1")) == "track 1"
