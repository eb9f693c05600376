"""A simulated Kubernetes cluster in one process, for the demo and for fast tests; it runs no containers."""
