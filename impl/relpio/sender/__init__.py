"""A sender: keeps a session with a receiver, and replays what was not acknowledged."""
