"""The ASGI shell: collects pixels in an event loop, for Starlette, FastAPI, Django, Quart and any other application."""

from .shell import PixelASGI

__all__ = ["PixelASGI"]
