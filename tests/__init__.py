"""The test suite: mirrors the packages; `support` starts servers, `builders` makes data."""
