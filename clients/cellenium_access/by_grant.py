"""The way of a grant: S3 Access Grants asked with an access key of one's own. Needs botocore."""

import argparse
import contextlib
import json
import os
import shlex
from datetime import timezone
from typing import Any, Dict, Iterator, List, Optional

import botocore.session
from botocore.exceptions import ClientError, NoCredentialsError

from cellenium_access import kept_credentials
from cellenium_access.kept_credentials import Credentials
from cellenium_access.talk import DONE, NOT_CONFIGURED, REFUSED, StopError, printable, say

# These say that there is nothing to find, not that AWS could not be asked.
NO_INSTANCE = {"AccessDenied", "AccessGrantsInstanceNotExistsError", "NoSuchBucket"}
PROFILES = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")


class Aws:
    """The caller's own AWS."""

    def __init__(self, options: argparse.Namespace) -> None:
        for name in PROFILES:
            # Set to nothing it means no profile to people, and one without a name to botocore.
            if options.no_profile or os.environ.get(name) == "":
                os.environ.pop(name, None)
        # A profile that is named counts before the keys of the environment only when the session itself is given it.
        self.profile = options.profile
        self.session = botocore.session.Session(profile=options.profile)
        self.region = os.environ.get("AWS_REGION") or self.session.get_config_variable("region")

    def client(self, service: str) -> Any:
        if not self.region:
            raise StopError("Name the Region: set AWS_REGION, or `region` in your profile.", NOT_CONFIGURED)
        return self.session.create_client(service, region_name=self.region)

    def key_id(self) -> str:
        found = self.session.get_credentials()
        if found is None:
            raise NoCredentialsError
        return str(found.get_frozen_credentials().access_key)


def show_grants(options: argparse.Namespace) -> int:
    """List one's own grants, all pages."""
    aws = Aws(options)
    found = list(own_grants(aws, account_of(aws, options.account_id, options.target), options.target))
    if options.json:
        print(json.dumps(found))
    elif not found:
        return say("Nothing was granted to you here. Ask whoever keeps the bucket.")
    else:
        for grant in found:
            print(f"{grant['Permission']:<9} {printable(grant['GrantScope'])}")
    return DONE


def show_identity(options: argparse.Namespace) -> int:
    """Print whom AWS takes the caller for."""
    found = Aws(options).client("sts").get_caller_identity()
    print(f"{found['Arn']} ({found['UserId']}) in {found['Account']}")
    return DONE


def own_grants(aws: Aws, account: str, target: Optional[str] = None) -> Iterator[Dict[str, str]]:
    """Give one's own grants; with a target those whose scope covers it or lies below it."""
    pages = aws.client("s3control").get_paginator("list_caller_access_grants").paginate(AccountId=account)
    for page in pages:
        for grant in page.get("CallerAccessGrantsList", []):
            if target is None or related(grant["GrantScope"], target):
                yield {"Permission": grant["Permission"], "GrantScope": grant["GrantScope"]}


def related(scope: str, target: str) -> bool:
    """Tell whether one path begins as the other does."""
    one, other = scope.rstrip("*"), target.rstrip("*")
    return one.startswith(other) or other.startswith(one)


def credentials(aws: Aws, options: argparse.Namespace) -> Credentials:
    """Give credentials out of the cache while they last, else from AWS."""
    account = account_of(aws, options.account_id, options.target)
    wish = (aws.key_id(), aws.region or "", account, options.target, options.permission, options.privilege)
    place = kept_credentials.place_of((*wish, str(options.duration)))
    kept = None if options.no_cache else kept_credentials.read(place, kept_credentials.least(options))
    if kept is not None:
        return kept
    found = ask(aws, account, options)
    if not options.no_cache:
        kept_credentials.write(place, found)
    return found


def ask(aws: Aws, account: str, options: argparse.Namespace) -> Credentials:
    """Ask AWS; a refusal tells what was granted instead."""
    more = {}
    if options.privilege == "minimal" and not options.target.endswith("*"):
        more["TargetType"] = "Object"
    try:
        answer = aws.client("s3control").get_data_access(
            AccountId=account,
            Target=options.target,
            Permission=options.permission,
            DurationSeconds=options.duration or 3600,
            Privilege=options.privilege.capitalize(),
            **more,
        )["Credentials"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDenied":
            raise
        raise StopError(refusal(aws, account, options, error), REFUSED) from None
    return {
        "AccessKeyId": answer["AccessKeyId"],
        "SecretAccessKey": answer["SecretAccessKey"],
        "SessionToken": answer["SessionToken"],
        "Expiration": answer["Expiration"].astimezone(timezone.utc).strftime(kept_credentials.FORM),
    }


def refusal(aws: Aws, account: str, options: argparse.Namespace, error: ClientError) -> str:
    """Say what to type instead."""
    lines = [f"AWS says no: {error.response['Error']['Message']}"]
    with contextlib.suppress(ClientError):
        near = list(own_grants(aws, account, options.target)) or list(own_grants(aws, account))
        if not near:
            lines.append("Nothing is granted to you (any more): it may have expired. Ask whoever keeps the bucket.")
        for grant in near[:5]:
            lines += [f"You have --permission {grant['Permission']} {shlex.quote(grant['GrantScope'])}"]
    return "\n".join(lines)


def account_of(aws: Aws, given: Optional[str], target: Optional[str]) -> str:
    """Find the account whose grants are meant: the owner of the path's instance, else the caller's own."""
    if given:
        return given
    own = str(aws.client("sts").get_caller_identity()["Account"])
    if not target:
        return own
    try:
        prefix = target.rstrip("*")
        found = aws.client("s3control").get_access_grants_instance_for_prefix(AccountId=own, S3Prefix=prefix)
    except ClientError as error:
        if error.response["Error"]["Code"] not in NO_INSTANCE:
            raise
        return own
    return str(found["AccessGrantsInstanceArn"].split(":")[4])


def profile_words(aws: Aws, options: argparse.Namespace) -> List[str]:
    """Give the words with which a profile fetches credentials again; it names the profile they come from."""
    words = [options.target, "--permission", options.permission, "--privilege", options.privilege]
    words += ["--duration", str(options.duration or 3600)]
    words += ["--account-id", account_of(aws, options.account_id, options.target)]
    source = source_profile(aws)
    return words + (["--profile", source] if source else ["--no-profile"])


def source_profile(aws: Aws) -> Optional[str]:
    """Give the profile whose key is used, None for none."""
    return aws.profile or os.environ.get("AWS_PROFILE") or os.environ.get("AWS_DEFAULT_PROFILE")
