"""Tests of relpio."""
