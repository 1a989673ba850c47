"""p(T): where episodes come from. One file per source."""
