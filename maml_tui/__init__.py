"""Meta-learning in the terminal: the commands and the app. Never imports torch."""

__version__ = "0.1.0"
