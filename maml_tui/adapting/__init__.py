"""Watching a model learn one task: the process that adapts, and what is drawn of its answers. Needs no Textual."""
