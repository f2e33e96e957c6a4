"""The second step: one button, and a window on the run that it starts."""
