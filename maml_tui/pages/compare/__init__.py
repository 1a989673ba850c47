"""Compare: up to six runs in one plot and in pairs."""
