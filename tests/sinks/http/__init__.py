"""Tests of pixelmw.sinks.http."""
