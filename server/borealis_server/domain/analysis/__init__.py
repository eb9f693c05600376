"""Judging a new version by metrics: what is asked, when, and what the answers come to. Pure."""
