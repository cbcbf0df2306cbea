"""Tests of pixelmw.cli."""
