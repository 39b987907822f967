"""What is measured: pure functions of arrays, each with its definition and source."""
