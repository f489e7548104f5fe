"""Dense and sparse search over the knowledge chunks, and their fusion."""
