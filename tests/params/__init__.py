"""Tests of pixelmw.params."""
