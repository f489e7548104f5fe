"""Trained checkpoints, one module a subject."""
