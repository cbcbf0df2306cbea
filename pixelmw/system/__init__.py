"""Processes, threads and files: nothing in this room knows what an event is."""
