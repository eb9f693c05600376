"""HTTP to machines outside: `direct` from this one, `through_agent` from inside a cluster; `outside` joins the two."""
