"""rsyslog: where it is, and its configuration in both of its languages."""
