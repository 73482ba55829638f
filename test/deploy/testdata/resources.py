"""Prints what an account of the emulator has, as JSON: for each kind of resource, the sorted names.

Uses botocore, which MiniStack needs itself. The endpoint, the region and the credentials are in the environment."""

import json

import botocore.session

KINDS = [
    # kind, service, operation, the list in the answer, the name in an element ("" for a list of names)
    ("REST APIs", "apigateway", "get_rest_apis", "items", "name"),
    ("GraphQL APIs", "appsync", "list_graphql_apis", "graphqlApis", "name"),
    ("stacks", "cloudformation", "describe_stacks", "Stacks", "StackName"),
    ("alarms", "cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    ("dashboards", "cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
    ("user pools", "cognito-idp", "list_user_pools", "UserPools", "Name"),
    ("tables", "dynamodb", "list_tables", "TableNames", ""),
    ("table streams", "dynamodbstreams", "list_streams", "Streams", "StreamArn"),
    ("container registries", "ecr", "describe_repositories", "repositories", "repositoryName"),
    ("roles", "iam", "list_roles", "Roles", "RoleName"),
    ("policies", "iam", "list_policies", "Policies", "PolicyName"),
    ("keys", "kms", "list_keys", "Keys", "KeyId"),
    ("key aliases", "kms", "list_aliases", "Aliases", "AliasName"),
    ("functions", "lambda", "list_functions", "Functions", "FunctionName"),
    ("event source mappings", "lambda", "list_event_source_mappings", "EventSourceMappings", "UUID"),
    ("log groups", "logs", "describe_log_groups", "logGroups", "logGroupName"),
    ("log resource policies", "logs", "describe_resource_policies", "resourcePolicies", "policyName"),
    ("buckets", "s3", "list_buckets", "Buckets", "Name"),
    ("secrets", "secretsmanager", "list_secrets", "SecretList", "Name"),
    ("topics", "sns", "list_topics", "Topics", "TopicArn"),
    ("subscriptions", "sns", "list_subscriptions", "Subscriptions", "SubscriptionArn"),
    ("queues", "sqs", "list_queues", "QueueUrls", ""),
    ("parameters", "ssm", "describe_parameters", "Parameters", "Name"),
    ("state machines", "stepfunctions", "list_state_machines", "stateMachines", "name"),
    ("web ACLs", "wafv2", "list_web_acls", "WebACLs", "Name"),
]

ARGUMENTS = {
    "list_policies": {"Scope": "Local"},
    "list_user_pools": {"MaxResults": 60},
    "list_web_acls": {"Scope": "REGIONAL"},
}


def main():
    session = botocore.session.get_session()
    clients = {}
    found = {}
    for kind, service, operation, member, name in KINDS:
        if service not in clients:
            clients[service] = session.create_client(service)
        client = clients[service]
        arguments = ARGUMENTS.get(operation, {})
        if client.can_paginate(operation):
            pages = client.get_paginator(operation).paginate(**arguments)
        else:
            pages = [getattr(client, operation)(**arguments)]
        elements = [element for page in pages for element in page.get(member, [])]
        if operation == "list_keys":
            # CloudFormation can but schedule a key's deletion.
            states = {key["KeyId"]: client.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] for key in elements}
            elements = [key for key in elements if states[key["KeyId"]] != "PendingDeletion"]
        found[kind] = sorted(element[name] if name else element for element in elements)
    print(json.dumps(found))


main()
