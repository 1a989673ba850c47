"""What a run looks like on disk: live, finished, crashed or on another host's disk, the same code reads it."""
