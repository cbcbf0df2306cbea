"""The application for ``INSTALLED_APPS``."""

# Django comes without types.
# mypy: disallow-subclassing-any=False

from __future__ import annotations

from django.apps import AppConfig
from django.core import checks

from .checks import TAG, check_settings


class PixelConfig(AppConfig):
    """Registers the system checks."""

    name = "pixelmw.contrib.django"
    label = "pixelmw"
    verbose_name = "Tracking pixels"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Called by Django once all applications are loaded."""
        checks.register(check_settings, TAG)
