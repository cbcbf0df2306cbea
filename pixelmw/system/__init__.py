"""What processes, threads and files ask for: nothing in here knows what an event is."""
