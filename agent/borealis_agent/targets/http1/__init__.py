"""HTTP/1.1 to targets, lean: one pool for each target, one request at a time on each connection."""
