"""How well the duplicate hint tells real reports of the same problem from others near by."""
