"""The command `relpio`."""
