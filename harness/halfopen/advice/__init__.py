"""Whether settings of TCP fit the middleboxes on a path, and what would."""
