"""Runs: find runs and act on them."""
