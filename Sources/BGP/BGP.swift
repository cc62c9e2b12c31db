// BGP: what is said on a session and what state it is in, without a socket. Messages and path attributes to and from
// octets (RFC 4271, RFC 4760, RFC 6793), the session state machine, and the Adj-RIB-Out that remembers what each
// neighbor is to have. Octets, routes and the time go in; octets, timers and events come out.
