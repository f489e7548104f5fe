"""Figures of merit as plain functions of arrays: classification, ranking, links, text."""
