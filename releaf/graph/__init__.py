"""The knowledge graph and the upcycling recommender on it."""
