"""What the second provider tells of a person, beside what django-oauth-toolkit tells by itself."""

from typing import Any

from oauth2_provider.oauth2_validators import OAuth2Validator


class PeopleValidator(OAuth2Validator):
    """Adds e-mail, name and groups to ID token and userinfo, whatever scopes were asked for."""

    oidc_claim_scope = None

    def get_additional_claims(self, request: Any) -> dict[str, Any]:
        """Tell of the person who has logged in."""
        user = request.user
        groups = [group.name for group in user.groups.order_by("name")]
        return {"email": user.email, "email_verified": True, "name": user.get_full_name(), "groups": groups}

    def validate_silent_login(self, request: Any) -> bool:
        """Say yes to `prompt=none`: the view has sent those away who are not logged in."""
        return True

    def validate_silent_authorization(self, request: Any) -> bool:
        """Say yes: the one client here is trusted beforehand."""
        return True
