// DaemonConfiguration
