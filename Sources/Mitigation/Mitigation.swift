// Mitigation
