"""Workers that hold some of the shards ask each other for the rest: scatter, gather, and what is missing is said."""
