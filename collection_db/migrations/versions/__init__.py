"""One file a revision, in order. A released one is never edited: later changes get a file of their own."""
