// Telemetry: datagrams from exporters in, flow records out. Decoders for sFlow v5, NetFlow v5 and v9 and IPFIX, the
// packet headers inside them, and what an exporter must have said before (templates, sampling rates). Pure: bytes and
// the time of arrival go in, records and counters come out, and nothing a datagram says can make it trap, allocate
// without bound or loop.
