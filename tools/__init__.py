"""Small programs for developers and for `make`."""
