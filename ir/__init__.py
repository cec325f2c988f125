"""What things are: frozen records without I/O or third-party imports, shared by the compiler and the runtime."""
