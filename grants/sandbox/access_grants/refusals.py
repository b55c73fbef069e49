"""The error codes of S3 Access Grants, with AWS's irregular suffixes.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#S3AccessGrantsErrorCodeList
"""

from http import HTTPStatus

from grants.sandbox.errors import AwsError, access_denied

CODES = {
    "AccessDenied": HTTPStatus.FORBIDDEN,
    "AccessGrantAlreadyExists": HTTPStatus.CONFLICT,
    "AccessGrantsInstanceAlreadyExists": HTTPStatus.CONFLICT,
    "AccessGrantsInstanceNotEmptyError": HTTPStatus.BAD_REQUEST,
    "AccessGrantsInstanceNotExistsError": HTTPStatus.NOT_FOUND,
    "AccessGrantsInstanceResourcePolicyNotExists": HTTPStatus.NOT_FOUND,
    "AccessGrantsLocationAlreadyExistsError": HTTPStatus.CONFLICT,
    "AccessGrantsLocationNotEmptyError": HTTPStatus.BAD_REQUEST,
    "AccessGrantsLocationsQuotaExceededError": HTTPStatus.CONFLICT,
    "AccessGrantsQuotaExceededError": HTTPStatus.CONFLICT,
    "InvalidAccessGrant": HTTPStatus.BAD_REQUEST,
    "InvalidAccessGrantsLocation": HTTPStatus.BAD_REQUEST,
    "InvalidIamRole": HTTPStatus.BAD_REQUEST,
    "InvalidIdentityCenterInstance": HTTPStatus.BAD_REQUEST,
    "InvalidRequest": HTTPStatus.BAD_REQUEST,
    "InvalidResourcePolicy": HTTPStatus.BAD_REQUEST,
    "InvalidTag": HTTPStatus.BAD_REQUEST,
    "InvalidTags": HTTPStatus.BAD_REQUEST,
    "NoSuchAccessGrantError": HTTPStatus.NOT_FOUND,
    "NoSuchAccessGrantsLocationError": HTTPStatus.NOT_FOUND,
    "StsNotAuthorizedError": HTTPStatus.FORBIDDEN,
    "StsPackedPolicyTooLargeError": HTTPStatus.BAD_REQUEST,
    "StsValidationError": HTTPStatus.BAD_REQUEST,
    "TooManyTags": HTTPStatus.BAD_REQUEST,
}


def refusal(code: str, message: str) -> AwsError:
    """Give an error of AWS's list with the status it comes with."""
    return AwsError(code, message, CODES[code])


def invalid_request(message: str) -> AwsError:
    """Give the refusal of a parameter."""
    return refusal("InvalidRequest", message)


def invalid_grantee() -> AwsError:
    """Give the refusal of a grantee that AWS cannot find."""
    return invalid_request("Invalid Grantee in the request")


def no_instance() -> AwsError:
    """Give the answer to everything while the account has no instance."""
    return refusal("AccessGrantsInstanceNotExistsError", "The specified Access Grants Instance does not exist")


def no_location() -> AwsError:
    """Give the answer to an unknown id of a location."""
    return refusal("NoSuchAccessGrantsLocationError", "The specified Access Grants Location does not exist")


def no_grant() -> AwsError:
    """Give the answer to an unknown id of a grant."""
    return refusal("NoSuchAccessGrantError", "The specified Access Grant does not exist")


def no_access(permission: str, target: str) -> AwsError:
    """Give GetDataAccess's answer when no grant matches."""
    return access_denied(f"You do not have {permission} permissions to the requested S3 Prefix: {target}")
