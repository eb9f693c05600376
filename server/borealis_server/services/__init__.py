"""Use cases: load, ask the domain, act through ports, save."""
