// Control: how people and programs ask a running daemon. Requests and reports are JSON lines over a Unix socket whose
// file permissions are its guard; the daemon answers from values it is handed, and knows nothing of who prints them.
