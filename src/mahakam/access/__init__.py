"""Access: who may do what. Accounts, sessions, API keys, forms, and the one policy table."""

from mahakam.access.identify import OPEN, check_open, principal_of
from mahakam.access.policy import Principal, allow, allow_somewhere

__all__ = ["OPEN", "Principal", "allow", "allow_somewhere", "check_open", "principal_of"]
