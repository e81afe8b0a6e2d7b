"""Branch and bound over partial activation patterns: the search, and what it is given."""
