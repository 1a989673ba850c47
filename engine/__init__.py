"""The meta-learning engine: tasks -> adaptation -> meta-update -> measurement."""
