"""Public services: catalogue, requests, routing."""
