"""What exists, as data: every algorithm, network and data set declares itself here once. Loads no torch."""
