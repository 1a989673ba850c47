"""Dialogs that lie over a page until they are answered."""
