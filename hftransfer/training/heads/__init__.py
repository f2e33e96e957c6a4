"""The head on cached features: what has a minimum is solved to it, what has none is trained on them in seconds."""
