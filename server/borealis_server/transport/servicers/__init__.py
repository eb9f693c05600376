"""One class a service: parse, call, render."""
