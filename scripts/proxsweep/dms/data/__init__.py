"""From tables, or a simulation, to an encoding."""
