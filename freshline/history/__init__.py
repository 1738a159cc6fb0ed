"""How far back things are kept, and the end of what nobody can need any more."""
