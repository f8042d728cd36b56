"""Plays plans in labs, and writes their histories."""
