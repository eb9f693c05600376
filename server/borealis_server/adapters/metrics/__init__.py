"""Metric providers: one module each, joined in `asking.py`."""
