"""The one training loop of every model, and what it stands on: device, schedule, checkpoints."""
