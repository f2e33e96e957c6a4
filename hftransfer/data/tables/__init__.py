"""Tables of any kind, and which of their columns hold what."""
