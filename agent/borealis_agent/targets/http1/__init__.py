"""HTTP/1.1 to targets, as lean as the tunnel needs it: one pool for each target, one request at a time on a connection."""
