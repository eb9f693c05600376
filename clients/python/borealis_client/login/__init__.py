"""Logging in as a person: contexts, where their tokens are kept, and the conversation with the issuer."""
