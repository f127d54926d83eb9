"""Pages, maps and charts for people."""
