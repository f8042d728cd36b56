"""Mutants: relpio and the harness with one bug each, and the test or variant that catches it.

A check that has never been seen to fail proves nothing.  `make mutants` plays them all and writes
docs/mutants.md; `catalogue/` says what each one is.
"""
