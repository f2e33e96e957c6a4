"""The third step: the model's answers."""
