"""Tests of pixelmw.links."""
