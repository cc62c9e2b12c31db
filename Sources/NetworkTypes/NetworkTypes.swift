// NetworkTypes: the nouns that every other room speaks in. Addresses, prefixes and the table that finds the longest
// one, protocols and TCP flags, AS numbers, rates, and the point in time that the pure core is handed instead of
// reading a clock. Nothing here allocates on a lookup, performs I/O or knows what a flood is.
