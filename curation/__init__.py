"""Where people choose: the review page and its pictures."""
