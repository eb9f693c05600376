"""Runs a tunnel on an event loop: one reader, one writer and one watchdog for each lane.

Owns waiting; the rules are decided in `borealis_wire.tunnel`. Knows nothing of gRPC, HTTP or who is at the other end.
"""
