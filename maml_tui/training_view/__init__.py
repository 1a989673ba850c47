"""What the page Train says of a run, as lines of text. Needs neither Textual nor torch."""
