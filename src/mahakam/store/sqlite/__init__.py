"""The store on SQLite: one file a tenant, no server to start."""
