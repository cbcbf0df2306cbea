"""The Django project that real servers run, under WSGI and ASGI, with pixels and without."""

from __future__ import annotations

import os

from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import re_path

from pixelmw.sinks import SQLite
from tests.support import django_site


def host(request: HttpRequest) -> HttpResponse:
    """Say what was asked for, as the host application of ``server_app`` does."""
    body = f"host {request.method} {request.path}".encode()
    return HttpResponse(body, content_type="text/plain", headers={"Content-Length": str(len(body))})


urlpatterns = [*django_site.urlpatterns[:-1], re_path("", host)]
django_site.configure()
override_settings(
    ROOT_URLCONF=__name__, PIXELMW={"SINK": SQLite(os.environ.get("PIXELMW_TEST_DB", ":memory:"))}
).enable()
asgi, wsgi = ASGIHandler(), WSGIHandler()
with override_settings(MIDDLEWARE=[]):
    bare_asgi, bare_wsgi = ASGIHandler(), WSGIHandler()
