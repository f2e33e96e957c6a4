"""Labels as they were found, made into what a model learns."""
