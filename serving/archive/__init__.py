"""The archive: committed responses, kept in the table `responses` for longer than their topic keeps them."""
