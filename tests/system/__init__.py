"""Tests of pixelmw.system."""
