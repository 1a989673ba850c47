"""Following runs from their files: what a journal told, in arrays and in words. Needs neither Textual nor torch."""
