"""Where records are kept: in memory and in SQLite, behind the same ports."""
