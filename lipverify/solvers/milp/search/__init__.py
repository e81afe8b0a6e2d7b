"""The search over the program's binaries, which trusts no solver: tree, branching, what is closed, what is known."""
