"""What a run *is*: one frozen schema, strict TOML, presets. Imports no torch."""
