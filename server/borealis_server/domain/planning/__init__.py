"""Planning: order of targets and pod arithmetic. Pure; nothing here waits or looks at a cluster."""
