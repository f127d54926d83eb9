"""One validated picture of a city, and one network of cities."""

__version__ = "0.1.0"
