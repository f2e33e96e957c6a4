"""The fourth step: the model taken away."""
