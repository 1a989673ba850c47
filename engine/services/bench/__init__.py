"""Processes that time meta-iterations in turns."""
