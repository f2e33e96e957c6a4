"""The first step: examples in, what was understood of them out."""
