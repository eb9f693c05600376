"""What logging in needs from outside: slow hashes, one-time codes, sealed secrets, other issuers."""
