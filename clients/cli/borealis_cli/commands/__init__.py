"""The commands, a family a file. Each parses, calls, and prints; what is heavy is imported when a command runs."""
