"""The control plane: deployments, agents, identity, and the doors to them."""
