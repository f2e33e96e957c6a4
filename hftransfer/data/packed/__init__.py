"""Archives, read in place: every member is held to account."""
