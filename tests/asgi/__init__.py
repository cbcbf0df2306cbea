"""Tests of ``pixelmw.asgi``."""
