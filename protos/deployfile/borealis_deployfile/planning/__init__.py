"""What a deploy file will do, before it does it: order, steps and pods. Pure, and shared by clients and server."""
