"""Tests of pixelmw.sinks.kafka."""
