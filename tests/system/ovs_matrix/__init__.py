"""The same command lines given to tools of two makes, each with a fresh server, must say the same
and leave the same behind."""
