"""kubectl through the hub: kubeconfigs, tokens for them, and a proxy on this machine."""
