"""Alerts: a feed that failed, is late or got worse is told of once, and once more when it is well again."""
