"""Upper bounds at the nodes: linear programs, what they tighten, propagated ranges, boxes around cells."""
