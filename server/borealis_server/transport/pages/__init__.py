"""The pages of the web door on which people log in and agree. They need no script."""
