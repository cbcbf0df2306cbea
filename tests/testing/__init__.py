"""Tests of ``pixelmw.testing``."""
