"""What keeps a node running: its state, its metrics, its log, and what is wrong with an installation."""
