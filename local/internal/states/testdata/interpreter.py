"""Runs state machines in moto, which has the interpreter of LocalStack.

Reads {"definition", "input"}, one a line; writes {"status", "output", "error", "cause"}, one a line.
"""

import json
import logging
import os
import sys
import time

for name, value in (("ID", "x"), ("SECRET_ACCESS_KEY", "x")):
    os.environ["AWS_ACCESS_KEY_" + name if name == "ID" else "AWS_" + name] = value
os.environ["AWS_DEFAULT_REGION"] = "eu-west-1"
logging.disable(logging.CRITICAL)

import boto3  # noqa: E402
from moto import mock_aws  # noqa: E402

ROLE = "arn:aws:iam::123456789012:role/machine"


machines = {}  # ARNs by definition


def run(client, number, case):
    definition = case["definition"]
    try:
        if definition not in machines:
            machines[definition] = client.create_state_machine(name=f"m{number}", definition=definition, roleArn=ROLE)["stateMachineArn"]
    except Exception as e:  # what it cannot parse
        return {"status": "REFUSED", "cause": str(e)}
    execution = client.start_execution(stateMachineArn=machines[definition], name=f"e{number}", input=case["input"])["executionArn"]
    until = time.time() + 10
    while time.time() < until:
        r = client.describe_execution(executionArn=execution)
        if r["status"] != "RUNNING":
            return {k: r[k] for k in ("status", "output", "error", "cause") if k in r}
        time.sleep(0.01)
    return {"status": "RUNNING"}


with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
    client = boto3.client("stepfunctions")
    for number, line in enumerate(sys.stdin):
        print(json.dumps(run(client, number, json.loads(line))), flush=True)
os._exit(0)  # its threads may not end
