"""Short-lived helper processes that load torch so that the interface need not."""
