"""Faults of AWS's own calls, on demand: throttled, broken, denied, silent, or the caller killed in the middle.

`PUT /_lab/faults` sets one, `GET` lists them, `DELETE /_lab/faults[/ID]` ends them. `GET /_lab/calls` is the record of
every call that functions and Step Functions made. `DELETE /_lab/environments` ends the functions' idle processes, so that
each one's next invocation is its first; `DELETE /_lab/environments/FUNCTION` ends one function's, those at work too. What a
fault and a call are is in `fault_rules`. `PUT /_lab/schedules` `{"seconds": N}` starts what is due up to so much later.
"""

import asyncio
import contextlib
import json
import time

from ministack import app
from ministack.core import iam_actions, iam_evaluator, lambda_runtime, responses, router
from ministack.services import stepfunctions

from . import fault_rules, schedules, symbols
from .fault_rules import SILENCE_SECONDS, BadFault, Book, Call

# Where IAM's name of an action is not the operation's.
OPERATIONS = {"InvokeFunction": "Invoke", "ListBucket": "ListObjectsV2"}

# Where the router's name of a service is not the one that its SDK goes by.
SERVICES = {"monitoring": "cloudwatch"}


def fill(_settings) -> None:
    book = Book()
    fill_requests(book)
    fill_tasks(book)


def fill_requests(book: Book) -> None:
    """Calls over HTTP: functions' and the lab's own."""
    detect = symbols.uses(router, "detect_service", "method, path, headers, query_params")
    routing = symbols.uses(app, "_routing_params", "method, path, headers, body, query_params")
    action_of = symbols.uses(
        iam_actions, "extract_iam_action", "service, method, path, headers, body, query_params"
    )
    caller_of = symbols.uses(iam_evaluator, "request_caller_arn", "headers, query_params")
    region_of = symbols.uses(router, "extract_region", "headers, query_params")
    end_idle, end_all_of = idle_ender(), function_ender()
    refuse = refusals()
    kill = killer()

    def read_call(method, path, headers, body, query_params):
        params = routing(method, path, headers, body, query_params)
        service = detect(method, path, headers, params)
        action = (action_of(service, method, path, headers, body, params) or "").rpartition(":")[2]
        principal = caller_of(headers, query_params)
        call = Call(
            caller=principal.rpartition("/")[2] if ":assumed-role/" in principal else "root",
            service=SERVICES.get(service, service),
            operation=OPERATIONS.get(action, action),
            region=region_of(headers, query_params),
            target=target(service, path),
        )
        return service, call

    parameters = "method, path, headers, body, query_params, request_id"

    @symbols.replaces(app, "_dispatch_service_request", parameters)
    async def dispatch(original, method, path, headers, body, query_params, request_id):
        if (method, path) == ("DELETE", "/_lab/environments"):
            await asyncio.to_thread(end_idle)
            return told(200, {})
        if method == "DELETE" and path.startswith("/_lab/environments/"):
            # Waiting for the processes' end blocks; the loop serves other calls meanwhile.
            await asyncio.to_thread(end_all_of, path.rpartition("/")[2])
            return told(200, {})
        if path.startswith("/_lab/"):
            return control(book, method, path, body)
        request = (method, path, headers, body, query_params, request_id)
        service, call = read_call(method, path, headers, body, query_params)
        fault = book.note(call)
        if fault is None:
            return await original(*request)
        if fault.when == "after":
            await original(*request)
            book.count_carried_out(fault)
        if fault.how == "silent":
            await asyncio.sleep(SILENCE_SECONDS)
        if fault.how == "killed":
            # Waiting for the process' end blocks; the loop serves other calls meanwhile.
            await asyncio.to_thread(kill, headers, query_params)
        return refuse(service, call, fault.how, headers, request_id)


def target(service: str, path: str) -> str:
    """What a call is about, where its operation does not tell enough."""
    parts = [part for part in path.split("/") if part]
    if service == "s3":
        return "/".join(parts[1:])
    if service == "lambda" and "functions" in parts[:-1]:
        return function_name(parts[parts.index("functions") + 1])
    return ""


def function_name(reference: str) -> str:
    """The name in a function's ARN, or the name itself."""
    return reference.replace("%3A", ":").partition(":function:")[2].partition(":")[0] or reference


def refusals():
    """Gives the function that answers a spoiled call in its service's protocol."""
    envelope = symbols.uses(
        iam_actions,
        "access_denied_response",
        "service, action, principal_arn, request_id, error_code, message, headers, resource_arn, explicit_deny, "
        "resource_policy_arn",
    )

    def refuse(service, call, how, headers, request_id):
        status, code = fault_rules.answer(service, how)
        message = f"{call.operation} was spoiled by the lab: {how}"
        if service == "route53":
            # Route 53 wraps its errors as RDS does; ministack's denials do not.
            body = (
                '<?xml version="1.0"?><ErrorResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><Error>'
                f"<Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
                f"<RequestId>{request_id}</RequestId></ErrorResponse>"
            )
            return status, {"Content-Type": "text/xml"}, body.encode()
        action = f"{service}:{call.operation}"
        _, reply_headers, body = envelope(
            service, action, "", request_id, error_code=code, message=message, headers=headers
        )
        return status, reply_headers, body

    return refuse


def killer():
    """Gives the function that kills a call's function, every process of it at work, and waits until they are gone.

    A call shows whose role made it, not which of the function's processes."""
    workers = symbols.uses(lambda_runtime, "_workers")
    lock = symbols.uses(lambda_runtime, "_lock")
    credentials = symbols.uses(lambda_runtime, "execution_credentials", "config")
    key_of = symbols.uses(router, "extract_access_key_id", "headers, query_params")

    def kill(headers, query_params) -> None:
        key = key_of(headers, query_params)
        with lock:
            busy = [worker for pool in workers.values() for worker in pool if worker.in_use]
        end([worker for worker in busy if credentials(worker.config)["AWS_ACCESS_KEY_ID"] == key])

    return kill


def function_ender():
    """Gives the function that ends every process of a function, at work or idle, and waits until they are gone."""
    workers = symbols.uses(lambda_runtime, "_workers")
    lock = symbols.uses(lambda_runtime, "_lock")

    def end_all_of(name: str) -> None:
        with lock:
            all_workers = [worker for pool in workers.values() for worker in pool]
        end([worker for worker in all_workers if worker.config.get("FunctionName") == name])

    return end_all_of


def end(workers) -> None:
    """Ends their processes as a host that dies does. Who waits for one of them gets the error that AWS gives then."""
    for worker in workers:
        process = worker._proc
        if process is not None:
            process.kill()
            process.wait()


def idle_ender():
    """Gives the function that ends the functions' idle processes; one at work goes on."""
    workers = symbols.uses(lambda_runtime, "_workers")
    lock = symbols.uses(lambda_runtime, "_lock")
    end = symbols.uses(lambda_runtime, "kill_workers", "workers")

    def end_idle() -> None:
        with lock:
            idle = [worker for pool in workers.values() for worker in pool if not worker.in_use]
            for pool in workers.values():
                pool[:] = [worker for worker in pool if worker.in_use]
        end(idle)

    return end_idle


def fill_tasks(book: Book) -> None:
    """A state machine's invocations of functions, which never pass the gateway's door."""
    region = symbols.uses(responses, "get_region", "")
    failed = symbols.uses(stepfunctions, "_ExecutionError")

    @symbols.replaces(stepfunctions, "_call_lambda", "func_ref, event")
    def call_lambda(original, func_ref, event):
        call = Call("states", "lambda", "Invoke", region(), function_name(str(func_ref)))
        fault = book.note(call)
        if fault is None:
            return original(func_ref, event)
        if fault.when == "after":
            # The function's own error is an answer too, and is lost with it.
            with contextlib.suppress(failed):
                original(func_ref, event)
            book.count_carried_out(fault)
        if fault.how == "silent":
            time.sleep(SILENCE_SECONDS)
        raise failed(fault_rules.TASK_ERRORS[fault.how], f"Invoke of {call.target} was spoiled by the lab: {fault.how}")


def control(book: Book, method: str, path: str, body: bytes):
    """The test's side: faults and calls, as JSON."""
    _, _, what = path.partition("/_lab/")
    what, _, number = what.partition("/")
    try:
        match method, what, number:
            case "PUT", "faults", "":
                return told(200, {"id": book.add(fault_rules.read(json.loads(body)))})
            case "GET", "faults", "":
                return told(200, {"faults": book.faults()})
            case "DELETE", "faults", "":
                book.end()
                return told(200, {})
            case "DELETE", "faults", _ if number.isdecimal():
                return told(200, {}) if book.end(int(number)) else told(404, {"error": f"there is no fault {number}"})
            case "PUT", "schedules", "":
                schedules.start_within(json.loads(body)["seconds"])
                return told(200, {})
            case "GET", "calls", "":
                return told(200, {"calls": book.calls()})
            case "DELETE", "calls", "":
                book.forget_calls()
                return told(200, {})
    except json.JSONDecodeError as error:
        return told(400, {"error": f"what was asked is no JSON: {error}"})
    except BadFault as error:
        return told(400, {"error": str(error)})
    except (KeyError, TypeError, ValueError) as error:
        return told(400, {"error": f"what was asked is not of its form: {error}"})
    return told(404, {"error": f"{method} {path}: the lab has faults, calls and schedules"})


def told(status: int, document: dict):
    return status, {"Content-Type": "application/json"}, json.dumps(document).encode()
