"""The parts of `benchmarks/graph.py`: one module a subject, over what they share in `made`."""
