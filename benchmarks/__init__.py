"""What `make bench` measures: one module for each thing that people wait for."""
