"""Images on their way in: looked at once, and kept without their metadata."""
