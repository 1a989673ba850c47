"""Finding one's way among runs: reading them all, asking for some, showing them as rows. No Textual."""
