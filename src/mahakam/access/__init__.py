"""Who may do what: sign-in, roles, API keys."""
