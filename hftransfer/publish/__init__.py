"""The publishing station: models on the Hub, and the cards that describe them."""

from .hub import Published, pull, push

__all__ = ["Published", "pull", "push"]
