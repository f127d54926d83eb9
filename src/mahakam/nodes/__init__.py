"""Cities with nodes of their own, and the hub that they join by invitation: keys, shares, registrations, copies."""
