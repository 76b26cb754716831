"""The demonstration: a guest moves, and its port profile is there before it."""
