"""Imports: files found in the h5ad store, checked, converted and handed to `studies`."""
