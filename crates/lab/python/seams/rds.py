"""RDS: every request goes to the lab's own endpoint, whose instances are real PostgreSQL servers.

One assignment serves both ways in: SDK calls through the gateway (after its IAM check) and the
in-process `aws-sdk:rds` tasks of Step Functions.
"""

import asyncio
import http.client
import urllib.parse

from ministack import app
from ministack.core import responses
from ministack.services import ec2, kms

from . import symbols

# Restoring or copying a real server takes seconds; an answer later than this is a fault of ours.
TIMEOUT_SECONDS = 120

# Where the network template's functions are. All of the lab's addresses are loopback ones, so that
# it stands for them: RDS lets in the logins that only functions have.
FUNCTIONS_SUBNET = "10.77.9.0/24"


def fill(settings) -> None:
    handlers = symbols.uses(app, "SERVICE_HANDLERS")
    if "rds" not in handlers:
        raise symbols.SeamError("ministack.app.SERVICE_HANDLERS has no entry for rds")
    groups = symbols.uses(ec2, "_security_groups")
    keys = symbols.uses(kms, "_keys")
    aliases = symbols.uses(kms, "_aliases")
    region = symbols.uses(responses, "get_region", "")
    account = symbols.uses(responses, "get_account_id", "")
    endpoint = urllib.parse.urlsplit(settings.rds_url)

    def forward(body: bytes):
        # The endpoint knows Region and account by the credential's scope, as AWS does.
        scope = f"AWS4-HMAC-SHA256 Credential={account()}/20260101/{region()}/rds/aws4_request"
        connection = http.client.HTTPConnection(endpoint.hostname, endpoint.port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request("POST", "/", body, {
                "Content-Type": "application/x-www-form-urlencoded",
                "Authorization": scope,
                "x-lab-closed-groups": ",".join(closed_groups(groups)),
                "x-lab-kms-keys": ",".join(usable_keys(keys, aliases)),
            })
            answer = connection.getresponse()
            return answer.status, {"Content-Type": "text/xml"}, answer.read()
        finally:
            connection.close()

    async def rds(method, path, headers, body, query_params):
        if isinstance(body, str):
            body = body.encode()
        if not body:
            body = urllib.parse.urlencode(query_params, doseq=True).encode()
        try:
            return await asyncio.to_thread(forward, body)
        except OSError as error:
            return 503, {"Content-Type": "text/xml"}, unavailable(error)

    handlers["rds"] = rds


def closed_groups(groups) -> list[str]:
    """The security groups of the caller's Region that do not let everybody in.

    One that lets in the functions' subnet alone is marked. A default group is never one: on AWS
    it admits its own members.
    """
    closed = []
    for group_id, group in groups.items():
        rules = group.get("IpPermissions") or []
        sources = {source.get("CidrIp") for rule in rules for source in rule.get("IpRanges") or []}
        if group.get("GroupName") == "default" or sources - {FUNCTIONS_SUBNET}:
            continue
        closed.append(f"{group_id}+functions" if sources else group_id)
    return closed


def usable_keys(keys, aliases) -> list[str]:
    """The caller's Region's KMS keys that are enabled, by each name that RDS takes: id, ARN, alias, the alias's ARN."""
    usable = {key_id: key["Arn"] for key_id, key in keys.items() if key.get("KeyState") == "Enabled"}
    names = [name for pair in usable.items() for name in pair]
    for arn, key_id in aliases.items():
        if key_id in usable:
            names += [arn, arn.rpartition(":")[2]]
    return names


def unavailable(error: OSError) -> bytes:
    """AWS's answer while the service behind an endpoint is away."""
    return (
        '<ErrorResponse xmlns="http://rds.amazonaws.com/doc/2014-10-31/"><Error><Type>Receiver</Type>'
        f"<Code>ServiceUnavailable</Code><Message>the lab's RDS endpoint did not answer: {type(error).__name__}"
        "</Message></Error></ErrorResponse>"
    ).encode()
