"""Fetches a text from an http address, for clients and server alike, without being led astray."""
