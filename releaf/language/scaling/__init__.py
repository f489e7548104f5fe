"""How the loss falls with parameters, tokens and compute: a grid of runs, laws fitted to them, the best of a budget."""
