"""The multi-head waste-image classifier: one backbone, three heads."""
