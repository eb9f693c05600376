"""Performing what a decision asks for: one module per family of effects, joined in `performer.py`."""
