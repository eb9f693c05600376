"""What the agent may reach, and how: targets by name, the allow-list, and hygiene of what passes through."""
