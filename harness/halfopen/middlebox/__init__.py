"""What a middlebox does, in terms of the engines that can play it."""
