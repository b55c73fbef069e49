"""Access keys of IAM users."""

from datetime import datetime

from grants.aws.gateway import NewKey, ObservedKey, Receipt
from grants.aws.iam_base import IamPart
from grants.aws.secret import Secret


class Boto3Keys(IamPart):
    """Access keys of the users of one account."""

    def keys(self, user: str) -> list[ObservedKey]:
        """Give a user's keys."""
        found = self._listed("list_access_keys", "AccessKeyMetadata", UserName=user)
        return [ObservedKey(key["AccessKeyId"], key["Status"], key["CreateDate"]) for key in found]

    def create_key(self, user: str) -> tuple[NewKey, Receipt]:
        """Make a key; its secret is in this answer and nowhere else."""
        answer, receipt = self._caller.change("create_access_key", UserName=user)
        made = answer["AccessKey"]
        return NewKey(made["AccessKeyId"], Secret(made["SecretAccessKey"]), made["CreateDate"]), receipt

    def set_key_active(self, user: str, key_id: str, *, active: bool) -> Receipt:
        """Switch a key on or off."""
        status = "Active" if active else "Inactive"
        return self._caller.change("update_access_key", UserName=user, AccessKeyId=key_id, Status=status)[1]

    def delete_key(self, user: str, key_id: str) -> Receipt:
        """Delete a key."""
        return self._caller.change("delete_access_key", UserName=user, AccessKeyId=key_id)[1]

    def key_last_used(self, key_id: str) -> datetime | None:
        """Tell when a key was used last, None for never or when it is not there."""
        found = self._caller.ask_or_none("get_access_key_last_used", AccessKeyId=key_id)
        used: datetime | None = None if found is None else found["AccessKeyLastUsed"].get("LastUsedDate")
        return used
