// Simulation: exporters and traffic that do not exist. Packets of customers and of floods from a seed, and the datagrams
// that a router would make of them; whole scenarios, of which it is known what is normal and what is an attack. Pure: the
// same seed and times give the same octets. The demo, the tests and the scenario benchmark live on it.
