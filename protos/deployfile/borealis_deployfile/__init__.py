"""The deploy file: one model and one set of rules, for clients and server alike. Pure: no I/O."""
