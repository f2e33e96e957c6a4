"""What the form calls the choices of a recipe."""

from __future__ import annotations


def field_label(name: str) -> str:
    """A choice's name as the form shows it, in English."""
    return name.replace("_", " ").capitalize()
