// Simulation: exporters and traffic that do not exist. Packets of customers and of floods from a seed, and the sFlow
// datagrams that a router would make of them. Pure: the same seed and times give the same octets. The demo and the tests
// live on it.
