"""Tests of relpio.protocol."""
