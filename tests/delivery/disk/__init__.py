"""Tests of pixelmw.delivery.disk, and of the Spool that stands on it."""
