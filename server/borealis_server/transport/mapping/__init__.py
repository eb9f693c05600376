"""Between protobuf messages and domain records, both directions, no logic."""
