"""What starts a run without a person: the schedule, new data, automation."""
