"""Where everything durable lies: files under one root, and the Delta tables that name them."""
