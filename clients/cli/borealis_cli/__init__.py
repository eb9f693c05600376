"""The command line, built on the client package only."""
