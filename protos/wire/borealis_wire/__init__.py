"""The tunnel protocol, used by server and agent alike.

Owns the rules of `borealis.tunnel.v1`: order of frames, credit, fairness and limits. The modules of this package decide
and never wait; only the package `borealis_wire.aio` runs them on an event loop, over any lane that carries frames.
"""
