"""Tests of pixelmw.enrich."""
