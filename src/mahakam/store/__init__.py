"""Where entities, runs, lineage, quarantine and datasets rest."""
