"""Dead letters after they were written: reading them, what they mean, and publishing their records again."""
