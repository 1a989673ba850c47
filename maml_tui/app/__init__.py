"""The Textual application: its pages, actions, settings and terminal."""
