"""Evaluation reports: what each model reaches on held-out data, as figures and pictures."""
