"""The pages of the Django project of this process, with its admin."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path

from tests.support import django_site

urlpatterns = [path("admin/", admin.site.urls), *django_site.urlpatterns]
