"""Tests of relpio.metrics."""
