"""What the tests share: processes, servers, faults, and the wrapped application that most of them ask."""
