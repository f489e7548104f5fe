"""The parts of `benchmarks/language.py`, one file each."""
