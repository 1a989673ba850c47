"""Runs side by side: what differs between them, which is better and how sure that is. No Textual, no torch."""
