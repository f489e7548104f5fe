"""The sections of the evaluation report, each from the evidence of its subject to blocks; a missing part says so."""
