"""Tests of pixelmw.schema."""
