"""gRPC and HTTPS in and out: parse the request, call one service method, render the answer."""
