"""What a chart shows of a plot and says of it. Pure functions; no Textual."""
