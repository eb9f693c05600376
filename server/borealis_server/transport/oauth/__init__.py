"""The OAuth and OpenID Connect endpoints of the web door, for programs."""
