"""Tests of pixelmw.delivery."""
