"""Setting up a run: what it starts from, what was typed, what that comes to. Needs no Textual."""
