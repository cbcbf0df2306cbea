"""The middleware as the users of a framework expect it: one module for each framework."""
