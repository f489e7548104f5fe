"""What assets reach the world through: settings, hardware, tables, artifacts, progress."""
