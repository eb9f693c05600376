"""The relay: calls into clusters through agents' tunnels, or directly for tests."""
