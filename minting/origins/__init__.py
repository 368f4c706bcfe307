"""Where source tokens come from: a contract on a chain, and the metadata and images that its tokens name, all of which
anybody may have written."""
