"""The control loops of the simulated cluster: each brings one kind of object closer to what its specification says."""
