"""The outer loop: what changes during training, what stays, and one iteration after the other."""
