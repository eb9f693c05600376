"""The demo: an example application deployed three times, live, on a simulated or a real cluster."""
