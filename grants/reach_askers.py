"""Who asks S3, and what is known of such a request: users, sessions of roles, services, other accounts, anybody. Pure.

Taken as known of every request: it comes now, over HTTPS, to the account's Region, and straight from its principal,
not through a service of AWS. Where it comes from, what it carries and whether MFA was used is not known.
Keys: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

from grants.evaluator import Policy, Principal
from grants.policies import SERVICE, session_policy
from grants.reach_account import Account, Identity
from grants.reach_doubt import Asker, Bound, Context
from grants.scopes import Scope

TAGS = "aws:principaltag/"
INSTANCE_KEY = "s3:accessgrantsinstancearn"
# What only requests that AWS's own services make, or make for somebody, have.
_OF_SERVICES = frozenset({"aws:principalservicename", "aws:calledviafirst", "aws:calledvialast", "aws:calledvia"})
_LISTS = frozenset({"s3:prefix"})
# Stands for the name of a session nobody has begun yet: no policy can name it.
_NEW_SESSION = "access-grants-00000000-0000-0000-0000-000000000000"


def asker(account: Account, identity: Identity) -> Asker:
    """Give a user, or a session of a role that somebody begins now and narrows by no session policy."""
    return _role(account, identity) if identity.is_role else _user(account, identity)


def grant_session(account: Account, role: Identity, scope: Scope, permission: str) -> Asker:
    """Give a session that S3 Access Grants begins now with the role of a location, for a scope and a permission.

    AWS does not say which source identity it has. Its tags are the role's.
    """
    document = session_policy(scope.bucket, scope.key, is_prefix=scope.is_prefix, permission=permission)
    limit = Bound("the session policy of the grant", Policy.parse(document, "session"))
    return Asker(
        principal=_session(account, role),
        identity=role.policies,
        limits=(limit, *_limits(role)),
        context={
            **_role_context(account, role),
            INSTANCE_KEY: account.instance_arn,
            "aws:userid": f"{role.unique_id}:{_NEW_SESSION}",
            **_tags(role),
        },
        absent=_OF_SERVICES | _LISTS | {"aws:username", "aws:federatedprovider", "aws:multifactorauthpresent"},
        families=(TAGS,),
        doubts=role.doubts,
    )


def earlier_grant_session(account: Account, role: Identity, scope: Scope, permission: str) -> Asker:
    """Give a session like it that was begun before, of which nobody says when or under which name."""
    session = grant_session(account, role, scope, permission)
    unknown = {"aws:userid", "aws:tokenissuetime"}
    return Asker(
        principal=session.principal,
        identity=session.identity,
        limits=session.limits,
        context={key: value for key, value in session.context.items() if key.lower() not in unknown},
        absent=session.absent,
        families=session.families,
    )


def service(account: Account, name: str = SERVICE) -> Asker:
    """Give a service of AWS that acts by itself; S3 Access Grants acts for the account's instance."""
    context: dict[str, str] = {"aws:PrincipalIsAWSService": "true", "aws:PrincipalServiceName": name}
    if name == SERVICE:
        context |= {"aws:SourceAccount": account.id, "aws:SourceArn": account.instance_arn}
    principal = Principal(arn=name, principal_arn=name, account=account.id, service=name)
    return Asker(principal=principal, context={**_here(account), **context}, absent=_LISTS)


def root(account: Account) -> Asker:
    """Give the account's root."""
    arn = f"arn:{account.partition}:iam::{account.id}:root"
    return Asker(
        principal=Principal(arn=arn, principal_arn=arn, account=account.id, root=True),
        context={**_direct(account), "aws:PrincipalArn": arn, "aws:PrincipalType": "Account", "aws:userid": account.id},
        absent=_OF_SERVICES | _LISTS | {INSTANCE_KEY, "aws:username", "aws:sourceidentity"},
        families=(TAGS,),
    )


def anybody(account: Account) -> Asker:
    """Give a request that nobody signed."""
    principal = Principal(arn="anonymous", principal_arn="anonymous", account="anonymous", anonymous=True)
    absent = _OF_SERVICES | _LISTS | {INSTANCE_KEY, "aws:username", "aws:principalarn", "aws:principalaccount"}
    absent |= {"aws:principalorgid", "aws:sourceidentity", "aws:tokenissuetime", "aws:multifactorauthpresent"}
    context = {**_here(account), "aws:PrincipalType": "Anonymous", "aws:userid": "anonymous"}
    return Asker(principal=principal, context=context, absent=absent, families=(TAGS,))


def foreigner(account: Account, name: str) -> Asker:
    """Give somebody of another account, by the very name a policy has for them; their own policies are not seen."""
    theirs = name.split(":")[4] if name.startswith("arn:") else name
    return Asker(
        principal=Principal(arn=name, principal_arn=name, account=theirs),
        context={**_here(account), "aws:PrincipalAccount": theirs, "aws:PrincipalIsAWSService": "false"},
        absent=_OF_SERVICES | _LISTS,
    )


def _user(account: Account, user: Identity) -> Asker:
    return Asker(
        principal=Principal(arn=user.arn, principal_arn=user.arn, account=account.id),
        identity=user.policies,
        limits=_limits(user),
        context={
            **_direct(account),
            "aws:PrincipalArn": user.arn,
            "aws:PrincipalType": "User",
            "aws:username": user.name,
            "aws:userid": user.unique_id,
            **_tags(user),
        },
        absent=_OF_SERVICES | _LISTS | {INSTANCE_KEY, "aws:sourceidentity", "aws:federatedprovider"},
        families=(TAGS,),
        doubts=user.doubts,
    )


def _role(account: Account, role: Identity) -> Asker:
    """Its name, and with it `aws:userid`, is up to whoever begins it; so are its tags where the role lets them be."""
    tagged = role.trust is None or any(
        statement.actions.matches("sts:TagSession", {}) != statement.all_actions_but
        for statement in role.trust.policy.allowances
    )
    return Asker(
        principal=_session(account, role),
        identity=role.policies,
        limits=_limits(role),
        context={**_role_context(account, role), **({} if tagged else _tags(role))},
        absent=_OF_SERVICES | _LISTS | {INSTANCE_KEY, "aws:username"},
        families=() if tagged else (TAGS,),
        doubts=role.doubts,
    )


def _role_context(account: Account, role: Identity) -> Context:
    return {
        **_direct(account),
        "aws:PrincipalArn": role.arn,
        "aws:PrincipalType": "AssumedRole",
        "aws:TokenIssueTime": account.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _session(account: Account, role: Identity) -> Principal:
    arn = f"arn:{account.partition}:sts::{account.id}:assumed-role/{role.name}/{_NEW_SESSION}"
    return Principal(arn=arn, principal_arn=role.arn, account=account.id)


def _here(account: Account) -> dict[str, str]:
    return {
        "aws:SecureTransport": "true",
        "aws:CurrentTime": account.now.isoformat(),
        "aws:EpochTime": str(int(account.now.timestamp())),
        "aws:RequestedRegion": account.region,
        "s3:ResourceAccount": account.id,
        "aws:ResourceAccount": account.id,
    }


def _direct(account: Account) -> dict[str, str]:
    own = {"aws:PrincipalAccount": account.id, "aws:PrincipalIsAWSService": "false", "aws:ViaAWSService": "false"}
    return {**_here(account), **own}


def _limits(identity: Identity) -> tuple[Bound, ...]:
    return (identity.boundary,) if identity.boundary else ()


def _tags(identity: Identity) -> dict[str, str]:
    return {f"aws:PrincipalTag/{key}": value for key, value in identity.tags.items()}
