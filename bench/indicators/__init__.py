"""Indicators of a whole network: what a comparison of its cities costs, and what one changed input makes anew."""
