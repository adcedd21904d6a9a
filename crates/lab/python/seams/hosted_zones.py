"""Route 53: after every change the zones are written to a file, before the change is answered.

The lab's DNS reads that file when its time or inode differs from the last look. So a name server
answers a change at once, without asking the gateway for every query.

Zones are delegated to the name servers that the lab has: their NS records and delegation sets say
so, the latter without the last dot, as Route 53's do.
"""

import json
import os

from ministack.services import route53
from ministack.services.cloudformation import provisioners

from . import symbols


def fill(settings) -> None:
    stores = {
        "zones": symbols.uses(route53, "_zones"),
        "records": symbols.uses(route53, "_records"),
        "healthChecks": symbols.uses(route53, "_health_checks"),
    }
    default = symbols.uses(route53, "_DEFAULT_NS")
    default[:] = [f"{name}." for name in settings.name_servers]

    @symbols.replaces(route53, "_build_delegation_set_el", "parent, zone_name")
    def build_delegation_set_el(original, parent, zone_name):
        original(parent, zone_name)
        for name in parent.iter("NameServer"):
            name.text = name.text.rstrip(".")

    parameters = "method, path, headers, body, query_params"

    @symbols.replaces(route53, "handle_request", parameters)
    async def handle_request(original, method, path, headers, body, query_params):
        answer = await original(method, path, headers, body, query_params)
        if method != "GET" and answer[0] < 300:
            write(settings.zones_file, stores)
        return answer

    write(settings.zones_file, stores)
    fill_stacks(stores["healthChecks"], lambda: write(settings.zones_file, stores))

    @symbols.replaces(route53, "_build_health_check_el", "parent, hc")
    def build_health_check_el(original, parent, hc):
        original(parent, hc)
        # ministack writes Python's True, which no XML reader takes for a boolean.
        for element in parent.iter():
            if element.text in ("True", "False"):
                element.text = element.text.lower()


def fill_stacks(checks, changed) -> None:
    """Lets stacks have health checks, which ministack's do not, and lets what they make be served at once."""
    handlers = symbols.uses(provisioners, "_RESOURCE_HANDLERS")
    new_id = symbols.uses(route53, "_hc_id", "")

    def put(check, props, version):
        config = props["HealthCheckConfig"]
        numbers = {name: int(config[name]) for name in ("Port", "RequestInterval", "FailureThreshold") if name in config}
        checks[check] = {"id": check, "caller_reference": check, "config": {**config, **numbers}, "version": version}
        return check, {"HealthCheckId": check}

    def create(_logical_id, props, _stack_name):
        return put(new_id(), props, 1)

    def update(check, _old, new, _stack_name):
        return put(check, new, checks.get(check, {"version": 0})["version"] + 1)

    def delete(check, _props):
        checks.pop(check, None)

    handlers["AWS::Route53::HealthCheck"] = {"create": create, "update": update, "delete": delete}

    def then_written(handle):
        def call(*arguments, **named):
            answer = handle(*arguments, **named)
            changed()
            return answer

        return call

    for kind in ("HealthCheck", "RecordSet"):
        of_kind = handlers[f"AWS::Route53::{kind}"]
        of_kind.update({verb: then_written(of_kind[verb]) for verb in ("create", "update", "delete")})


def write(path: str, stores: dict) -> None:
    """Writes what every account's zones hold, atomically."""
    content = {
        name: [{"key": str(key[-1]), "value": value} for key, value in store._data.items()]
        for name, store in stores.items()
    }
    draft = f"{path}.draft"
    with open(draft, "w", encoding="utf-8") as file:
        json.dump(content, file)
    os.replace(draft, path)
