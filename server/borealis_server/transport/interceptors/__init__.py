"""Around every RPC: counters, errors, request id, limits, authority."""
