// TestSupport: what tests share: where ../shared lies, and real peers that are started on loopback and stopped.
