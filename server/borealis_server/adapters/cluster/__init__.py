"""The Kubernetes API of a cluster, over a relay connection."""
