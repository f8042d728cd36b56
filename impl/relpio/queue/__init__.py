"""Where a sender keeps its messages until they are acknowledged."""
