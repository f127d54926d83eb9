"""Countries, member cities, projects."""
