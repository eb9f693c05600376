"""Kubernetes APIs through the doors: over the web as they are, and one exchange for each RPC."""
