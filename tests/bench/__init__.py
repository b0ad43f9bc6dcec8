"""How fast and how lean wsops is, as ratios of two things measured in one run."""
