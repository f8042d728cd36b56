"""Readers of configuration files: one module for each product, with a constant `READER`."""
