"""How dates are shown: the same way everywhere, in UTC, sortable."""
