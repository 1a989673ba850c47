"""Looking at adaptation: a process that adapts to one task at a time, as it is asked to."""
