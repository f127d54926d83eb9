"""What the stores in SQL share: what is kept how, the compilation of queries, the small records."""
