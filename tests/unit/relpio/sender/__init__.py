"""Tests of relpio.sender."""
