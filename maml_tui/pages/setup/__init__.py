"""Setup: choose what to train, change it, and start it."""
