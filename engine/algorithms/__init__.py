"""How theta learns: one inner loop, one short file per algorithm."""
