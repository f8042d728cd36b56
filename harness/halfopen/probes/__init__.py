"""What can be seen of a running host from outside its programs."""
