"""Tests of relpio.command."""
