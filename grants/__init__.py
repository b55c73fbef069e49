"""Access: locations, principals, grants and credentials. A sibling of `studies`; neither imports the other."""
