"""What the services need of the outside world: small Protocols, in our words."""
