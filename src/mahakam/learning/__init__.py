"""Learning paths: exercises that people do on their own city's data, and what the node itself knows of them."""
