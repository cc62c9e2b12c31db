// Detection: snapshots of the counters in, attacks out. Compares rates with thresholds under the doubt that sampling
// leaves, names the kind of the attack from the samples at hand, and follows it from begin through updates to the end.
