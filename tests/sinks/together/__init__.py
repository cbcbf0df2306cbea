"""Tests of pixelmw.sinks.together."""
