"""Aligning the tuned adapter with preferences (L8): reward model, PPO and RLOO, an independent judge."""
