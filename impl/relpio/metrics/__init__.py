"""Metrics about a running program: Prometheus text on a port or Unix socket, JSON in a file."""
