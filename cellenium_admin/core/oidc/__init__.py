"""Login by OpenID Connect: whom the provider vouches for, and how that is checked."""
