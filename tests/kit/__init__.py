"""Tools that tests of several floors share: real and simulated clusters, and how to start and stop programs."""
