"""What is sent through the path: messages that can be told apart and checked."""
