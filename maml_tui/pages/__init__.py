"""One package for each page: its screen, its style sheet, its model and its own widgets."""
