"""The parts of `benchmarks/retrieval.py`: one module a subject, over what they share in `measure` and `made`."""
