"""Tests of tracking plans."""
