"""The middleware for ``MIDDLEWARE`` of a Django project, a sink that is a model, and what belongs to them."""

try:
    import django
except ImportError as error:
    raise ImportError("pixelmw.contrib.django needs Django 5.2: pip install pixelmw[django]") from error

from .connections import with_connections
from .middleware import PixelMiddleware
from .sink import ModelSink

__all__ = ["ModelSink", "PixelMiddleware", "with_connections"]

if django.VERSION < (5, 2):
    raise ImportError(f"pixelmw.contrib.django needs Django 5.2 or later; this is {django.get_version()}")
