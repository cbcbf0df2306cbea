"""The Django project that the real servers run: its database and its sink are what the environment says."""

from __future__ import annotations

import json
import os

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.urls import path

from pixelmw.contrib.django import ModelSink
from pixelmw.delivery import Spool
from tests.support import mysql_driver

mysql_driver.choose()
_spool = os.environ.get("PIXELMW_TEST_SPOOL")


def home(request: HttpRequest) -> HttpResponse:
    return HttpResponse("the host application")


urlpatterns = [path("", home)]

settings.configure(
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["*"],
    SECRET_KEY="no secret in tests",
    USE_TZ=True,
    INSTALLED_APPS=["pixelmw.contrib.django"],
    MIDDLEWARE=["pixelmw.contrib.django.PixelMiddleware"],
    DATABASES={"default": json.loads(os.environ["PIXELMW_TEST_DATABASE"])},
    PIXELMW={"SINK": Spool(_spool, ModelSink()) if _spool else "pixelmw.contrib.django.ModelSink"},
)
django.setup()
application = WSGIHandler()
