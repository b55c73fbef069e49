"""The errors IAM answers with.

Source: https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html and the pages of the operations.
"""

from http import HTTPStatus

from grants.sandbox.errors import AwsError


def no_such_entity(message: str) -> AwsError:
    """Say that there is no entity of that name."""
    return AwsError("NoSuchEntity", message, HTTPStatus.NOT_FOUND)


def not_found(kind: str, name: str) -> AwsError:
    """Say in IAM's words that no user, group or role has this name."""
    return no_such_entity(f"The {kind} with name {name} cannot be found.")


def already_exists(message: str) -> AwsError:
    """Say that the name is taken."""
    return AwsError("EntityAlreadyExists", message, HTTPStatus.CONFLICT)


def limit_exceeded(message: str) -> AwsError:
    """Say which quota stands in the way."""
    return AwsError("LimitExceeded", message, HTTPStatus.CONFLICT)


def quota(name: str, number: int) -> AwsError:
    """Say which of AWS's named quotas is used up."""
    return limit_exceeded(f"Cannot exceed quota for {name}: {number}")


def delete_conflict(message: str) -> AwsError:
    """Say what must be deleted first."""
    return AwsError("DeleteConflict", message, HTTPStatus.CONFLICT)


def malformed_policy(message: str) -> AwsError:
    """Say what is wrong with a policy document."""
    return AwsError("MalformedPolicyDocument", message)


def invalid(message: str) -> AwsError:
    """Say which parameter has a value IAM does not take."""
    return AwsError("ValidationError", message)


def invalid_input(message: str) -> AwsError:
    """Say which parameter contradicts another or IAM's rules."""
    return AwsError("InvalidInput", message)


def not_done(operation: str) -> AwsError:
    """Say that the sandbox leaves an operation of IAM out."""
    return AwsError(
        "NotImplemented",
        f"The sandbox does not do iam:{operation}. Its page, docs/sandbox.md, lists what it leaves out.",
        HTTPStatus.NOT_IMPLEMENTED,
    )


def forbidden_code(serial_number: str) -> AwsError:
    """Say that two authentication codes are not those of a device."""
    return AwsError(
        "InvalidAuthenticationCode",
        f"Authentication codes for device {serial_number} are not valid. Send two codes that follow each other.",
        HTTPStatus.FORBIDDEN,
    )
