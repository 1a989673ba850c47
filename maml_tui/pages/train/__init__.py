"""Train: watch a run learn and steer it."""
