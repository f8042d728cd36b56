"""Benchmarks: relpio beside rsyslog, in pairs, in one run; figures are ratios."""
