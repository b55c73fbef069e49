"""Random policies and requests, put to the evaluator and to a real SeaweedFS."""

import base64
import functools
import hashlib
import hmac
import http.client
import json
import random
import secrets
import threading
import time
import urllib.parse
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from cellenium_admin.embedded import EmbeddedSeaweedFS
from grants.evaluator import Policy, Principal, Request, evaluate

ACCOUNT = "000000000000"  # SeaweedFS's users are in this account, whatever it is told of the sessions'
REGION = "us-east-1"
BUCKETS = ("plain", "shared", "mixed")
KEYS = ("a/x", "a/b/x", "A/x", "b/x", "a*b", "aXb", "notes.txt", "home/uploader/x")
PREFIXES: tuple[str | None, ...] = (None, "", "a/", "A/", "a/b/", "b", "home/")
ACTIONS = (
    ["s3:GetObject"], ["s3:PutObject", "s3:DeleteObject"], ["s3:DeleteObject"], ["s3:ListBucket"], ["s3:*"], ["*"],
    ["s3:Get*", "s3:List*"],
    ["s3:GetObject", "s3:PutObject", "s3:ListBucket"], ["s3:*Object"], ["s3:*", "iam:*"],
    ["s3:getobject"], ["s3:?etObject"], ["iam:*", "s3:PutObject"],
)  # fmt: skip
CONDITIONS: tuple[dict[str, Any], ...] = (
    {"StringLike": {"s3:prefix": ["a/", "a/*"]}},
    {"StringLike": {"s3:prefix": ["a/", "a/*"]}},
    {"StringLike": {"s3:prefix": ["home/*", "b*"]}},
    {"StringLike": {"s3:prefix": "*"}},
    {"StringEquals": {"s3:prefix": ["", "a/"]}},
    {"StringNotLike": {"s3:prefix": "a/*"}},
    {"StringNotEquals": {"s3:prefix": "b"}},
    {"StringEqualsIgnoreCase": {"s3:prefix": "A/"}},
    {"StringLikeIfExists": {"s3:prefix": "a/*"}},
    {"Null": {"s3:prefix": "true"}},
    {"Null": {"s3:prefix": "false"}},
    {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}},
    {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
    {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
    {"Bool": {"aws:SecureTransport": "true"}},
    {"StringEquals": {"aws:username": "uploader"}},
    {"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}},
)

Document = dict[str, Any]


def resources(chance: random.Random) -> list[str]:
    """Choose patterns of resources, about one of the buckets most of the time."""
    bucket = f"arn:aws:s3:::{chance.choice(BUCKETS)}"
    common = [
        [bucket, f"{bucket}/*"], [bucket, f"{bucket}/*"], [f"{bucket}/*"], [bucket], ["*"], ["*"], [f"{bucket}*"],
        [f"{bucket}/a/*"], [f"{bucket}/a/x"], [f"{bucket}/*/x"], [f"{bucket}/?/x"],
        [bucket, f"{bucket}/a*"], ["arn:aws:s3:::*"],
        ["arn:aws:s3:::*/a/*", bucket],
    ]  # fmt: skip
    odd = [
        [f"{bucket}/A/*"], [f"{bucket}/a${{*}}b"], [f"{bucket}/home/${{aws:username}}/*"], [f"{bucket}/a\\*"],
        ["arn:aws:s3:::?hared/*"], ["arn:*:s3:::*"],
    ]  # fmt: skip
    return chance.choice(odd if chance.random() < 0.1 else common)


def statement(chance: random.Random, *, inverse: float = 0, principals: Sequence[Any] = ()) -> Document:
    """Make a statement; with principals, one of a bucket policy; `inverse` is how often it has NotAction and such."""
    found: Document = {
        "Effect": "Allow" if chance.random() < 0.8 else "Deny",
        "NotAction" if chance.random() < inverse else "Action": chance.choice(ACTIONS),
        "NotResource" if chance.random() < inverse else "Resource": resources(chance),
    }
    if chance.random() < 0.25:
        found["Condition"] = chance.choice(CONDITIONS)
    if principals:
        found["Principal"] = chance.choice(principals)
    return found


def document(chance: random.Random, *, inverse: float = 0) -> Document:
    """Make a policy of a user, a role or a session."""
    statements = [statement(chance, inverse=inverse) for _ in range(chance.randint(1, 3))]
    return {"Version": "2012-10-17", "Statement": statements}


@dataclass(frozen=True)
class Who:
    """A user or a session with its keys and policies."""

    principal: Principal
    identity: Document
    session: Document | None = None
    name: str = ""
    access_key_id: str = ""
    secret_access_key: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)


@dataclass(frozen=True)
class Sample:
    """A request of somebody, with the policy of its bucket."""

    who: Who
    method: str
    action: str
    bucket: str
    key: str
    prefix: str | None
    policy: Document | None

    @property
    def resource(self) -> str:
        """Give the ARN it is about."""
        return f"arn:aws:s3:::{self.bucket}" + (f"/{self.key}" if self.key else "")

    @property
    def context(self) -> dict[str, str]:
        """Give the context AWS would give it."""
        found = {
            "aws:SourceIp": "127.0.0.1",
            "aws:SecureTransport": "false",
            "aws:CurrentTime": datetime.now(UTC).isoformat(),
        }
        if self.who.name:
            found["aws:username"] = self.who.name
        if self.prefix is not None:
            found["s3:prefix"] = self.prefix
        return found

    def documents(self) -> list[tuple[str, Document]]:
        """Give all policies that bound it, with their kind."""
        found = [("identity", self.who.identity), ("session", self.who.session), ("resource", self.policy)]
        return [(kind, policy) for kind, policy in found if policy is not None]

    def allowed(self) -> bool:
        """Ask the evaluator."""
        return evaluate(
            Request(self.who.principal, self.action, self.resource, self.context),
            identity=(_policy(json.dumps(self.who.identity), "identity"),),
            session=None if self.who.session is None else (_policy(json.dumps(self.who.session), "session"),),
            resource=None if self.policy is None else _policy(json.dumps(self.policy), "resource"),
        ).allowed


@functools.lru_cache(maxsize=1024)
def _policy(text: str, kind: str) -> Policy:
    return Policy.parse(text, kind)


class Judge:
    """A SeaweedFS with random users, sessions and bucket policies."""

    def __init__(self, directory: Path, *, seed: int, users: int, sessions: int) -> None:
        self._chance = random.Random(seed)
        self._slots = sessions
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "iam.json").write_text(json.dumps(self._configuration()), encoding="utf-8")
        options = [f"-s3.iam.config={directory / 'iam.json'}", "-s3.iam.readOnly=false"]
        self.server = EmbeddedSeaweedFS(directory, options=options)
        self.server.start()
        self._root = (self.server.access_key_id, self.server.secret_access_key)
        self._local = threading.local()
        self._connections: list[http.client.HTTPConnection] = []
        self._clients: list[Any] = []
        self.refused: list[Document] = []
        self._fill()
        self.everybody = [self._user(number) for number in range(users)]
        self.everybody += self._sessions(sessions)
        self._settle()
        self.policies: dict[str, Document | None] = dict.fromkeys(BUCKETS)

    def change_bucket_policies(self) -> None:
        """Give all buckets but the first new policies."""
        for bucket in BUCKETS[1:]:
            self.policies[bucket] = self._bucket_policy(bucket)

    def samples(self, each: int) -> list[Sample]:
        """Choose `each` requests of everybody, in random order."""
        found = [self._sample(who) for who in self.everybody for _ in range(each)]
        self._chance.shuffle(found)
        return found

    def verdicts(self, samples: Sequence[Sample]) -> list[bool]:
        """Let SeaweedFS judge: everything but 403 is taken for allowed, as a key that is not there."""
        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(self._verdict, samples))

    def close(self) -> None:
        """Stop the server."""
        for open_one in (*self._connections, *self._clients):
            open_one.close()
        self.server.stop()

    def _configuration(self) -> Document:
        trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/broker"}}
        return {
            "sts": {
                "tokenDuration": "1h",
                "maxSessionLength": "12h",
                "issuer": "samples",
                "signingKey": base64.b64encode(secrets.token_bytes(32)).decode(),
                "accountId": ACCOUNT,
            },
            "policy": {"defaultEffect": "Deny", "storeType": "memory"},
            "policies": [],
            "roles": [
                {
                    "roleName": f"slot{slot}",
                    "roleArn": f"arn:aws:iam::role/slot{slot}",
                    "attachedPolicies": [f"slot{slot}"],
                    "trustPolicy": {"Version": "2012-10-17", "Statement": [trust | {"Action": ["sts:AssumeRole"]}]},
                }
                for slot in range(self._slots)
            ],
        }

    def _client(self, service: str, *keys: str) -> Any:
        client = boto3.client(
            service,
            endpoint_url=self.server.endpoint_url,
            region_name=REGION,
            aws_access_key_id=(keys or self._root)[0],
            aws_secret_access_key=(keys or self._root)[1],
            config=Config(retries={"total_max_attempts": 3}, s3={"addressing_style": "path"}),
        )
        self._clients.append(client)
        return client

    def _fill(self) -> None:
        self._s3, self._iam = self._client("s3"), self._client("iam")
        for bucket in BUCKETS:
            self._s3.create_bucket(Bucket=bucket)
            for key in KEYS:
                self._s3.put_object(Bucket=bucket, Key=key, Body=b"x")

    def _user(self, number: int) -> Who:
        name = "uploader" if number == 0 else f"u{number}"
        arn = f"arn:aws:iam::{ACCOUNT}:user/{name}"
        self._iam.create_user(UserName=name)
        policy = self._create_policy(f"own-{name}")
        self._iam.attach_user_policy(UserName=name, PolicyArn=f"arn:aws:iam:::policy/own-{name}")
        keys = self._iam.create_access_key(UserName=name)["AccessKey"]
        principal = Principal(arn=arn, principal_arn=arn, account=ACCOUNT)
        return Who(principal, policy, None, name, keys["AccessKeyId"], keys["SecretAccessKey"])

    def _create_policy(self, name: str) -> Document:
        policy = document(self._chance, inverse=0.02)
        self._iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(policy))
        return policy

    def _settle(self) -> None:
        """Make SeaweedFS read all policies again: of many changes at once it now and then misses the last."""
        for number in range(3):
            time.sleep(0.3)
            self._iam.create_policy(PolicyName=f"settle{number}", PolicyDocument=json.dumps(self.everybody[0].identity))
        time.sleep(0.3)

    def _sessions(self, number: int) -> list[Who]:
        self._iam.create_user(UserName="broker")
        keys = self._iam.create_access_key(UserName="broker")["AccessKey"]
        sts = self._client("sts", keys["AccessKeyId"], keys["SecretAccessKey"])
        return [self._session(sts, slot) for slot in range(number)]

    def _session(self, sts: Any, slot: int) -> Who:
        role = self._create_policy(f"slot{slot}")
        session = document(self._chance) if slot % 2 else None
        bound = {} if session is None else {"Policy": json.dumps(session)}
        keys = sts.assume_role(RoleArn=f"arn:aws:iam::role/slot{slot}", RoleSessionName="morning", **bound)[
            "Credentials"
        ]
        principal = Principal(
            arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/slot{slot}/morning",
            principal_arn=f"arn:aws:iam::{ACCOUNT}:role/slot{slot}",
            account=ACCOUNT,
        )
        return Who(principal, role, session, "", keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])

    def _bucket_policy(self, bucket: str) -> Document:
        some = [who.principal.arn for who in self._chance.sample(self.everybody, 3)]
        principals: list[Any] = ["*", {"AWS": some}, {"AWS": some[0]}, {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}]
        while True:
            made = [self._about(bucket, statement(self._chance, principals=principals)) for _ in range(3)]
            found = {"Version": "2012-10-17", "Statement": made}
            try:
                self._s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(found))
            except self._s3.exceptions.ClientError as error:
                # As in S3, an action has to fit a resource of its statement.
                if error.response["Error"]["Code"] != "InvalidPolicyDocument":
                    raise
                self.refused.append(found)
            else:
                return found

    def _about(self, bucket: str, made: Document) -> Document:
        """Keep a statement to its bucket, as S3 demands."""
        own = f"arn:aws:s3:::{bucket}"
        resource = self._chance.choice([[own, f"{own}/*"], [f"{own}/*"], [f"{own}/a/*", own], [f"{own}/A/*"]])
        return {**made, "Resource": resource}

    def _sample(self, who: Who) -> Sample:
        bucket = self._chance.choice(BUCKETS)
        method, action, listing = self._chance.choice(
            [
                ("GET", "s3:GetObject", False),
                ("HEAD", "s3:GetObject", False),
                ("PUT", "s3:PutObject", False),
                ("DELETE", "s3:DeleteObject", False),
                ("GET", "s3:ListBucket", True),
                ("GET", "s3:ListBucket", True),
            ]
        )
        key = "" if listing else self._chance.choice(KEYS)
        prefix = self._chance.choice(PREFIXES) if listing else None
        return Sample(who, method, action, bucket, key, prefix, self.policies[bucket])

    def _verdict(self, sample: Sample) -> bool:
        query = {} if sample.key else {"list-type": "2"}
        if sample.prefix is not None:
            query["prefix"] = sample.prefix
        status = self._send(sample.who, sample.method, f"/{sample.bucket}/{sample.key}".rstrip("/"), query)
        if status not in {200, 204, 403, 404}:
            raise AssertionError(f"SeaweedFS answered {status} to {sample}")
        return status != 403

    def _send(self, who: Who, method: str, path: str, query: Mapping[str, str]) -> int:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20)
            self._connections.append(connection)
        target, headers = signed(who, method, f"127.0.0.1:{self.server.port}", path, query)
        connection.request(method, target, b"x" if method == "PUT" else None, headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status == 403 and body and b"<Code>AccessDenied</Code>" not in body:
            raise AssertionError(f"SeaweedFS refused for another reason: {body!r}")
        return int(answer.status)


def signed(who: Who, method: str, host: str, path: str, query: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Sign a request by hand, which is ten times as fast as botocore: its target and its headers."""
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{moment[:8]}/{REGION}/s3/aws4_request"
    target = urllib.parse.quote(path, safe="/-_.~")
    asked = "&".join(f"{key}={urllib.parse.quote(value, safe='-_.~')}" for key, value in sorted(query.items()))
    headers = {"host": host, "x-amz-content-sha256": "UNSIGNED-PAYLOAD", "x-amz-date": moment}
    if who.session_token:
        headers["x-amz-security-token"] = who.session_token
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    canonical = f"{method}\n{target}\n{asked}\n{lines}\n{names}\nUNSIGNED-PAYLOAD"
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{who.secret_access_key}".encode()
    for part in (moment[:8], REGION, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.new(key, text.encode(), "sha256").hexdigest()
    headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={who.access_key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return f"{target}?{asked}" if asked else target, headers
