"""The pages of the application, one file each, its style sheet beside it."""
