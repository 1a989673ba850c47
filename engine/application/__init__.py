"""What was learned, put to use: adapted to examples from outside, and handed on as a file."""
