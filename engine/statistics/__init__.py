"""Means with their uncertainty, and how long something still takes. numpy only."""
