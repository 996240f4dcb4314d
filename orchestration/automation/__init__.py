"""What starts runs: schedules, sensors, and what they ask for."""
