"""Upper bounds, one method per file; none of them looks at activation regions."""
