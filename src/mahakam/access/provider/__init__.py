"""Sign-in by OpenID Connect: a provider elsewhere says who somebody is, this node says what they may do."""
