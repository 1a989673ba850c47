"""The image data sets on disk, how they got there, and which classes each split holds. Imports no torch."""
