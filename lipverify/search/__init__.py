"""One tree search, for whoever can bound the parts of something and take them apart.

`tree` is the loop: it takes an open node from the `frontier` and puts its open children there; what becomes of each is
its `fate`. `closing` says when a bound is good enough. `incumbent` is the best that is certified so far, `effort` what
the search took and which questions were worth asking, `node_bound` what a bound of partial patterns says.
"""
