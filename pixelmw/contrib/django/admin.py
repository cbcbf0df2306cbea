"""The stored events in Django's admin, to look at."""

# Django comes without types.
# mypy: disallow-subclassing-any=False, disallow-untyped-decorators=False

from __future__ import annotations

import json

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html

from .models import PixelEvent


@admin.register(PixelEvent)
class PixelEventAdmin(admin.ModelAdmin):
    """Shows events, newest first, and changes none."""

    list_display = ("received_at", "type", "event", "user_id", "anonymous_id")
    list_filter = ("type",)
    search_fields = ("=message_id", "=user_id", "=anonymous_id", "event")
    # Counting all rows takes seconds on a large table.
    show_full_result_count = False
    fields = readonly_fields = (*list_display, "message_id", "whole_event")

    @admin.display(description="event, whole")
    def whole_event(self, row: PixelEvent) -> str:
        """The event as indented JSON."""
        text = json.dumps(row.body, indent=2, ensure_ascii=False)
        return str(format_html('<pre style="white-space:pre-wrap">{}</pre>', text))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Events come from pixels only."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: PixelEvent | None = None) -> bool:
        """An event stays as it came."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: PixelEvent | None = None) -> bool:
        """Events are deleted by code of yours, which knows for how long they are kept."""
        return False
