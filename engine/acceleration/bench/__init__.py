"""How fast a meta-iteration is on this machine, beside other programs' ways on the same inputs."""
