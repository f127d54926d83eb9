"""The one way in and out: validate, store, notify; query."""
