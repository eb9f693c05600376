"""Pure decisions and data: no I/O, no clock, nothing but the standard library."""
