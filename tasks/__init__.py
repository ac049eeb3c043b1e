"""Tasks: a policy and one call into the domain. One file a stage."""
