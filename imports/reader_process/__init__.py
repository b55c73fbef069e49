"""Opening files somebody else made in a process that may die: limits outside, one child per file inside."""
