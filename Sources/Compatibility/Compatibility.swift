// Compatibility: the files and the text API of FastNetMon and ExaBGP. Their configuration is read into the same tree of
// keys that floodgate.yaml is, each value with its place in the operator's own file, and goes through the same reader:
// what they meant is then done by the same code. What has no effect here, or another than its author thought, is said.
