"""What other people's programs need here: where they are found, how they are fetched and told."""
