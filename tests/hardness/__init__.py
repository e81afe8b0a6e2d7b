"""The reductions, against brute force on the problems themselves."""
