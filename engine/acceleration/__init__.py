"""How the same mathematics runs fast: other roads to the number that `engine.algorithms` defines."""
