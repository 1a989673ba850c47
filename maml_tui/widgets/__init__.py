"""What pages are made of: one widget per file, its messages and bindings inside."""
