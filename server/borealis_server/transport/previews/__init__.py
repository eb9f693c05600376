"""Previews of Services at the web door."""
