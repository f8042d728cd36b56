"""Reports: consumers of verdicts and histories, which nothing else knows."""
