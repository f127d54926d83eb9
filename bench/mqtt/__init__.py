"""Messages of a real Mosquitto through a feed: received, validated, stored."""
