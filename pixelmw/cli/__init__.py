"""The command line: ``main`` reads the arguments, and each command has a module of its name."""
