"""Making the published tables again: which runs they take, and how ours stand beside theirs."""
