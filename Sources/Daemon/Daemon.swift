// Daemon: puts the house together. Builds every room from a configuration, owns the threads and the order in which
// things start and stop, carries values from one room to the next, and answers the control socket. Also the same core
// under other clocks: replay, which takes its time from a capture, and the demo, which brings its own network.
