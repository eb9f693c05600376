"""How routes divide traffic: one pure module for each provider, joined in `registry.py`."""
