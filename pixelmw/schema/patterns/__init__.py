"""Patterns of JSON Schema: the regular expressions of ECMA-262, run by Python, with a bound for what a search costs."""
