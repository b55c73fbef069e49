"""Servers, database reset and workers for the tests; a Django app under the testing settings only."""
