"""A receiver: many sessions, one output."""
