"""What a middlebox does: the pure flow table, and a profile in terms of the engines that play it."""
