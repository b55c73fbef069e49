"""What the kernel tells those above it, inside the transaction in which it happens."""

from django.dispatch import Signal

# Sent with `user` and `actor` when an account is closed: whatever the person still holds goes with it.
user_deactivated = Signal()
# Sent with `user` and `actor` when an account is bound to another person of the login provider: likewise.
user_rebound = Signal()
