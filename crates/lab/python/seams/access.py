"""IAM: what a policy's conditions see of a request, and names that must differ between Regions."""

import json
import urllib.parse

import cbor2
from ministack import app
from ministack.core import iam_actions, responses
from ministack.services.cloudformation import provisioners

from . import symbols


def fill(_settings) -> None:
    fill_transport()
    fill_namespace()
    fill_changes()
    fill_names()


def fill_transport() -> None:
    """A connection to the gateway never leaves the loopback interface: it stands for a TLS one.

    So that a bucket's policy that wants TLS only lets the lab in and is deployed as it is.
    """

    @symbols.replaces(app, "pin_request_origin", "source_ip, secure_transport")
    def pin_request_origin(original, source_ip, secure_transport):
        original(source_ip, True)


def fill_namespace() -> None:
    """The condition key `cloudwatch:namespace` of PutMetricData, which ministack does not know."""

    @symbols.replaces(iam_actions, "request_tag_context", "service, iam_action, body, params")
    def request_tag_context(original, service, iam_action, body, params):
        context = original(service, iam_action, body, params)
        if iam_action == "cloudwatch:PutMetricData":
            context = {**context, "cloudwatch:namespace": namespace(body, params)}
        return context


def namespace(body: bytes, params: dict) -> str | None:
    """The Namespace of a PutMetricData request in any of CloudWatch's three protocols."""
    if params.get("Namespace"):
        found = params["Namespace"]
        return found[0] if isinstance(found, list) else found
    for read in (json.loads, cbor2.loads, lambda text: dict(urllib.parse.parse_qsl(text.decode()))):
        try:
            document = read(body)
        except (ValueError, cbor2.CBORDecodeError):
            continue
        if isinstance(document, dict) and document.get("Namespace"):
            return document["Namespace"]
    return None


def fill_changes() -> None:
    """The ARNs of Route 53 changes, RDS snapshots and what is restored, which ministack leaves out: each would need `*`."""
    parameter = symbols.uses(iam_actions, "_query_param", "query_params, key")

    @symbols.replaces(
        iam_actions, "extract_resource_arn", "service, method, path, headers, body, query_params, region, account_id"
    )
    def extract_resource_arn(original, service, method, path, headers, body, query, region, account):
        if service == "route53" and "/change/" in path:
            return f"arn:aws:route53:::change/{path.rpartition('/')[2]}"
        names = ("DBSnapshotIdentifier", "TargetDBSnapshotIdentifier") if service == "rds" else ()
        snapshot = next(filter(None, (parameter(query, name) for name in names)), None)
        if snapshot and not parameter(query, "DBInstanceIdentifier"):
            return f"arn:aws:rds:{region}:{account}:snapshot:{snapshot}"
        names = ("DBClusterSnapshotIdentifier", "TargetDBClusterSnapshotIdentifier") if service == "rds" else ()
        snapshot = next(filter(None, (parameter(query, name) for name in names)), None)
        if snapshot and not parameter(query, "DBClusterIdentifier"):
            return f"arn:aws:rds:{region}:{account}:cluster-snapshot:{snapshot}"
        tagged = parameter(query, "ResourceName") if service == "rds" else None
        if tagged:
            return tagged
        restored = parameter(query, "TargetDBInstanceIdentifier") if service == "rds" else None
        if restored:
            return f"arn:aws:rds:{region}:{account}:db:{restored}"
        return original(service, method, path, headers, body, query, region, account)


def fill_names() -> None:
    """Generated names of stacks with one name in several Regions.

    ministack makes a name's suffix from stack and logical id alone. IAM is one for all Regions, so
    the second Region's roles would overwrite the first one's. On AWS the suffix is random.
    """
    region = symbols.uses(responses, "get_region", "")
    seed = symbols.uses(provisioners, "_NAME_SEED")

    @symbols.replaces(provisioners, "_physical_name", "stack_name, logical_id, lowercase, max_len, seeded")
    def physical_name(original, stack_name, logical_id, *, lowercase=False, max_len=128, seeded=True):
        before = seed.get() if seeded else ""
        token = seed.set(f"{before}:{region()}")
        try:
            return original(stack_name, logical_id, lowercase=lowercase, max_len=max_len, seeded=True)
        finally:
            seed.reset(token)
