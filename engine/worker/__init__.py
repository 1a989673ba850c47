"""The background process that trains a run and keeps its folder up to date."""
