"""Speed, measured against peers on the same work in the same run; nothing here asserts a time."""
