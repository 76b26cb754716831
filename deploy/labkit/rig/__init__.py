"""What measures moves: numbered flows to and from guests, and a plain Linux bridge to compare
with."""
