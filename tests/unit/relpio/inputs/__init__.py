"""Tests of relpio.inputs."""
