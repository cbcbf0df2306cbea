"""Tests of pixelmw.sinks.sql."""
