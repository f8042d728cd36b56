"""Tests of relpio.net."""
