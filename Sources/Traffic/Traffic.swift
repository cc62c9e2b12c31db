// Traffic: flow records in, counters out. A worker adds records to a table of deltas: what changed for which host since
// the last tick. The merger adds the deltas of all workers to sliding windows per host, network and group, and hands
// out what was touched. Direction, sampling and the time in which packets flowed are settled here; what is too much is
// not.
