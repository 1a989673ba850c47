"""What pages and commands know of runs: queries, history, and how runs are started. Imports no textual."""
