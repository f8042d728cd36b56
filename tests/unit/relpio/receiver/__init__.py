"""Tests of relpio.receiver."""
