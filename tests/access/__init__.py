"""Tests of pixelmw.access."""
