"""Deployments and agents as text. Pure: messages in, lines out; no terminal, no clock."""
