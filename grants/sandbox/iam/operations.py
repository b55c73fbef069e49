"""Every operation the sandbox's IAM does, by its name."""

from grants.sandbox.iam import (
    account_details,
    account_settings,
    attachments,
    credentials,
    groups,
    inline,
    keys,
    login,
    mfa,
    policies,
    roles,
    service_credentials,
    simulation,
    tags,
    users,
)
from grants.sandbox.iam.desk import Operation

ALL: dict[str, Operation] = {
    **users.OPERATIONS,
    **keys.OPERATIONS,
    **inline.OPERATIONS,
    **roles.OPERATIONS,
    **groups.OPERATIONS,
    **policies.OPERATIONS,
    **attachments.OPERATIONS,
    **tags.OPERATIONS,
    **login.OPERATIONS,
    **mfa.OPERATIONS,
    **credentials.OPERATIONS,
    **service_credentials.OPERATIONS,
    **account_settings.OPERATIONS,
    **account_details.OPERATIONS,
    **simulation.OPERATIONS,
}
