"""Tests of relpio.queue."""
