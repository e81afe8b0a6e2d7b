"""Lower bounds, one method per file; every number is the exact norm at an exactly verified point."""
