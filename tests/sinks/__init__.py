"""Tests of pixelmw.sinks."""
