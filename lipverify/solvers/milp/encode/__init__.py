"""The program: a problem lifted to a box, its neurons, its derivative and its norm as variables and rows."""
