"""The model of stored events."""

# Django comes without types.
# mypy: disallow-subclassing-any=False

from __future__ import annotations

from django.db import models

from .fields import ExactCharField, ExactTextField


class PixelEvent(models.Model):
    """An event, with the columns of :class:`pixelmw.sinks.SQLite`; ``body`` is the whole event."""

    message_id = ExactCharField(max_length=255, primary_key=True)
    # Absent is not blank: null says that the event has no such member.
    type = ExactTextField(null=True)
    event = ExactTextField(null=True)
    user_id = ExactTextField(null=True)
    anonymous_id = ExactTextField(null=True)
    # RFC 3339 in UTC, so that the order of texts is the order of times. The admin sorts by it, hence the index.
    received_at = ExactCharField(max_length=255, null=True, db_index=True)
    body = models.JSONField()

    class Meta:
        ordering = ("-received_at",)
        verbose_name = "pixel event"

    def __str__(self) -> str:
        return f"{self.type} {self.message_id}"
