// Capture: how telemetry comes into the house. UDP sockets shared by workers, and capture files. Hands the octets of
// each datagram to a decoder, with the time and the exporter's address; knows nothing of what they mean.
