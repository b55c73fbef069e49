"""Differences of users, roles, keys, the group of uploaders and the cuts. Pure."""

from collections.abc import Iterator

from grants.drift import CUT, KEY, PRINCIPAL, Finding, Repair, Seen, SeenIdentity, Wanted, WantedKey, WantedPrincipal


def of_principals(wanted: Wanted, seen: Seen, *, path: str) -> Iterator[Finding]:
    """Give what differs of users and roles; `path` is where the users we make are."""
    wanted_names = {one.name.lower() for one in wanted.principals if one.kind == "user"}
    for principal in wanted.principals:
        if principal.settled and principal.kind in {"user", "role"}:
            yield from _of_principal(principal, seen)
    for user in seen.users.values():
        if user.path == path and user.name.lower() not in wanted_names:
            yield _unknown_user(user, seen)


def _of_principal(principal: WantedPrincipal, seen: Seen) -> Iterator[Finding]:
    there = (seen.users if principal.kind == "user" else seen.roles).get(principal.arn)
    if there is None:
        yield _gone(principal)
        return
    if principal.unique_id and there.unique_id != principal.unique_id:
        yield _anew(principal, there)
        return
    if principal.origin == "managed" and seen.group_members is not None and principal.name not in seen.group_members:
        yield Finding(
            kind="group_drift",
            subject_type=PRINCIPAL,
            subject_id=principal.pk,
            subject=principal.name,
            remedy="It is not in the group of uploaders, so it may not ask for data access: put it back.",
            repair=Repair("add_to_group", (f"iam AddUserToGroup UserName={principal.name}",), {"user": principal.name}),
        )


def _gone(principal: WantedPrincipal) -> Finding:
    ours = principal.origin != "foreign"
    return Finding(
        kind="grantee_gone",
        subject_type=PRINCIPAL,
        subject_id=principal.pk,
        subject=principal.arn,
        remedy="It was deleted in AWS; whoever is made under this name would have its grants: take them away.",
        repair=Repair("give_up_principal", _revocations(principal), {"principal": principal.pk}) if ours else None,
        destructive=True,
    )


def _anew(principal: WantedPrincipal, there: SeenIdentity) -> Finding:
    ours = principal.origin != "foreign"
    return Finding(
        kind="grantee_replaced",
        subject_type=PRINCIPAL,
        subject_id=principal.pk,
        subject=principal.arn,
        found=there.unique_id,
        expected=principal.unique_id,
        remedy="Another identity has this name now, and with it the grants of the former one: take them away.",
        repair=Repair("give_up_principal", _revocations(principal), {"principal": principal.pk}) if ours else None,
        destructive=True,
    )


def _revocations(principal: WantedPrincipal) -> tuple[str, ...]:
    return (f"s3control DeleteAccessGrant for each of our grants to {principal.arn}",)


def _unknown_user(user: SeenIdentity, seen: Seen) -> Finding:
    if seen.ours.get(user.arn):
        return Finding(
            kind="user_leftover",
            subject_type=PRINCIPAL,
            subject_id=user.arn,
            subject=user.arn,
            remedy="It carries our tag, and the database does not want it: an operation that was lost.",
            repair=Repair("delete_stray_user", (f"iam DeleteUser UserName={user.name}",), {"name": user.name}),
            destructive=True,
        )
    return Finding(
        kind="user_foreign",
        subject_type=PRINCIPAL,
        subject_id=user.arn,
        subject=user.arn,
        remedy="It is on our path without our tag: somebody else made it, and it is left alone.",
    )


def of_keys(wanted: Wanted, seen: Seen) -> Iterator[Finding]:
    """Give what differs of access keys."""
    known = {key.key_id for key in wanted.keys if key.key_id}
    asking = {key.user for key in wanted.keys if key.state == "pending_create"}
    for user, ids in seen.keys.items():
        for key_id in ids:
            if key_id not in known and user not in asking:
                yield _unknown_key(user, key_id)
    there = {key_id for ids in seen.keys.values() for key_id in ids}
    for key in wanted.keys:
        if key.state != "active" or key.user not in seen.keys:
            continue
        if key.key_id not in there:
            yield _key_finding(key, "key_missing", "It was deleted in AWS: delete it here, or rotate.")
        elif key.is_old:
            yield _key_finding(key, "key_old", "It is older than the setting allows: rotate it.")


def _unknown_key(user: str, key_id: str) -> Finding:
    call = f"iam DeleteAccessKey UserName={user} AccessKeyId={key_id}"
    return Finding(
        kind="key_unknown",
        subject_type=KEY,
        subject_id=key_id,
        subject=f"{key_id} of {user}",
        remedy="Nobody here has asked for it, or its secret was lost on the way: delete it.",
        repair=Repair("delete_stray_key", (call,), {"user": user, "access_key_id": key_id}),
        destructive=True,
    )


def _key_finding(key: WantedKey, kind: str, remedy: str) -> Finding:
    return Finding(kind=kind, subject_type=KEY, subject_id=key.pk, subject=f"{key.key_id} of {key.user}", remedy=remedy)


def of_cuts(wanted: Wanted, seen: Seen) -> Iterator[Finding]:
    """Give the roles whose Deny is not what the cuts want."""
    for role_arn, document in wanted.cuts.items():
        if role_arn not in seen.cuts or seen.cuts[role_arn] == document:
            continue
        name = role_arn.rpartition("/")[2]
        call = f"iam PutRolePolicy RoleName={name}" if document else f"iam DeleteRolePolicy RoleName={name}"
        yield Finding(
            kind="cut_stale",
            subject_type=CUT,
            subject_id=role_arn,
            subject=role_arn,
            remedy="The Deny on this role is not the one that is wanted: write it again.",
            repair=Repair("put_cut", (call,), {"role_arn": role_arn}),
        )
