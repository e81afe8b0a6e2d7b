"""A solver beside the search, through PuLP: what it is asked, where it runs, and what its answers mean."""
