"""How people and programs prove who they are: records of logins, and every decision about them. Pure."""
