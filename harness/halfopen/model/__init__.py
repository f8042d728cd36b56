"""Plain data that every layer shares; nothing in here does anything."""
