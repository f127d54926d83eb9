"""What a wrong value probably should have been: proposals with kind, evidence and count, for a person to accept."""
