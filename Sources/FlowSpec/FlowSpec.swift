// FlowSpec: the traffic filter that routers take by BGP (RFC 8955, RFC 8956, RFC 7674). The rule with its match
// components and actions, its wire form and its text form, templates with blanks that an attack fills in, and the
// announcement that carries a rule (or a plain prefix) from the ledger to the neighbors. Knows no sessions, no attacks.
