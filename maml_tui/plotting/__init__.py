"""Plots as pure functions: series of numbers become text cells, SVG or CSV. Needs numpy only."""
