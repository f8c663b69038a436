"""Every format is one file that implements the `Document` protocol of `feedclean.types`."""
