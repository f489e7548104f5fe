"""Dagster assets and their checks, one module a stage, in lineage order; thin over the domain."""
