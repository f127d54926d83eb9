"""OpenLineage: each run of a feed is told of to a lineage server or a file, in the standard's own events."""
