"""The tests, in the rooms of the package; those of its top modules, and of the project around it, are here."""
