"""What Redis holds: its loss costs time, never an answer."""
