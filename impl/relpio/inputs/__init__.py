"""Where a sender's messages come from: standard input, files, sockets."""
