"""f_theta: the networks, as plain modules that `torch.func.functional_call` can run with any parameters."""
