"""The page: its computations alone, its notebook without a browser, and all of it in a real one."""
