"""Disposal policies per jurisdiction, kept apart from every weight."""
