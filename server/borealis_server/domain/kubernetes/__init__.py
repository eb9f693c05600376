"""Kubernetes objects as plain JSON: what we write, and what we read out of what is live. Pure."""
