"""A function for `provided.al2023`: answers its event's and the environment's words.

An event `{"call": [service, action, arguments]}` has it call AWS with its own role; it answers
what came of it: "done", or AWS's error code.
"""
import http.client
import json
import os


def call(service, action, arguments):
    import boto3
    from botocore.exceptions import ClientError

    try:
        getattr(boto3.client(service), action)(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "done"


runtime = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
while True:
    runtime.request("GET", "/2018-06-01/runtime/invocation/next")
    told = runtime.getresponse()
    event = json.loads(told.read())
    print("asked", json.dumps(event), flush=True)
    answer = {"word": os.environ["WORD"], "event": event, "names": sorted(os.environ)}
    if isinstance(event, dict) and "call" in event:
        answer["came"] = call(*event["call"])
    request = told.headers["Lambda-Runtime-Aws-Request-Id"]
    runtime.request("POST", f"/2018-06-01/runtime/invocation/{request}/response", json.dumps(answer))
    runtime.getresponse().read()
