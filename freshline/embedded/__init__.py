"""The local stack: real parts on one machine, no container engine. Knows a room by its command line only."""
