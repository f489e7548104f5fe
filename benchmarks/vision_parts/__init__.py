"""The parts of `benchmarks/vision.py`: one module a subject, over the pictures made in `pictures`."""
