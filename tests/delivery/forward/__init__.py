"""Tests of pixelmw.delivery.forward."""
