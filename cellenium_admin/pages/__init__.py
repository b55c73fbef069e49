"""Pages for everybody who has logged in; they speak to the REST API as any other client does."""
