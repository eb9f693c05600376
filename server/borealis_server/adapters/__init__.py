"""The outside world behind ports: stores, clusters, keys, clock."""
