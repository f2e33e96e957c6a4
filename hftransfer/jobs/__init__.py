"""A run that outlives its browser: the store of jobs, the workers that do them, and what starts them."""
