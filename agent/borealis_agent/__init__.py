"""The agent: dials out from a cluster and relays calls to it; holds no delivery logic."""
