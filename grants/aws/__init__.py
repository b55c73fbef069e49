"""AWS as the rest of grants sees it: typed calls, typed answers, errors that say what to do."""
