"""Training by gradient descent: the one Trainer subclass, and what a phase asks of it."""
