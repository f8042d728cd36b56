"""What a middlebox does: a pure flow table, and profiles in terms of the engines that play them."""
