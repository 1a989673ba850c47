"""Results as tables and files: measurements, comparisons, published numbers. Imports no textual."""
