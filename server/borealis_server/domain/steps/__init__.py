"""What the kinds of steps do: one module a kind, joined in `registry.py`."""
