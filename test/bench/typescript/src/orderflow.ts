import { join } from 'node:path';
import { Aws, CfnOutput, Duration, Fn, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as apigateway from 'aws-cdk-lib/aws-apigateway';
import * as cognito from 'aws-cdk-lib/aws-cognito';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import * as stepfunctions from 'aws-cdk-lib/aws-stepfunctions';
import * as wafv2 from 'aws-cdk-lib/aws-wafv2';
import { Construct } from 'constructs';
import { makeAlarms } from './alarms';
import { Texts } from './texts';

// What the environments of infra/app/environments.go differ in.
const environments = {
  dev: {
    retention: logs.RetentionDays.ONE_WEEK, removal: RemovalPolicy.DESTROY, log: stepfunctions.LogLevel.ALL,
    recovery: false, guarded: false, rate: 50, concurrency: 5, wide: false, secret: false,
  },
  staging: {
    retention: logs.RetentionDays.ONE_MONTH, removal: RemovalPolicy.DESTROY, log: stepfunctions.LogLevel.ERROR,
    recovery: true, guarded: false, rate: 200, concurrency: 10, wide: true, secret: false,
  },
  prod: {
    retention: logs.RetentionDays.THREE_MONTHS, removal: RemovalPolicy.RETAIN, log: stepfunctions.LogLevel.ERROR,
    recovery: true, guarded: true, rate: 1000, concurrency: 50, wide: true, secret: true,
  },
};

type Environment = keyof typeof environments;

export class GoFunction extends Construct {
  readonly fn: lambda.Function;
  readonly role: iam.Role;

  constructor(scope: Construct, id: string, retention: logs.RetentionDays, removalPolicy: RemovalPolicy,
    timeout: number, environment: Record<string, string>) {
    super(scope, id);
    const logGroup = new logs.LogGroup(this, 'LogGroup', { retention, removalPolicy });
    this.role = new iam.Role(this, 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
    logGroup.grantWrite(this.role);
    this.fn = new lambda.Function(this, 'Function', {
      runtime: lambda.Runtime.PROVIDED_AL2023,
      handler: id.toLowerCase(),
      code: lambda.Code.fromAsset(join(__dirname, '../../../../dist/arm64', id.toLowerCase())),
      architecture: lambda.Architecture.ARM_64,
      memorySize: 256,
      timeout: Duration.seconds(timeout),
      environment: { LOG_LEVEL: 'INFO', METRICS_NAMESPACE: 'orderflow', ...environment },
      role: this.role,
      logGroup,
      loggingFormat: lambda.LoggingFormat.JSON,
      applicationLogLevelV2: lambda.ApplicationLogLevel.INFO,
      systemLogLevelV2: lambda.SystemLogLevel.INFO,
      tracing: lambda.Tracing.ACTIVE,
    });
  }
}

export class OrderFlow extends Stack {
  private readonly texts: Texts;
  private readonly settings: (typeof environments)[Environment];
  readonly inventory: dynamodb.Table;
  readonly orders: dynamodb.Table;
  readonly reserve: GoFunction;
  readonly release: GoFunction;
  readonly ship: GoFunction;
  readonly charge: GoFunction;
  readonly refund: GoFunction;
  readonly intake: GoFunction;
  readonly machine: stepfunctions.StateMachine;
  readonly queue: sqs.Queue;
  readonly dead: sqs.Queue;
  readonly users: cognito.UserPool;
  readonly api: apigateway.RestApi;

  constructor(scope: Construct, environment: Environment) {
    super(scope, `orderflow-${environment}`, {
      description: `Order flow, ${environment}`,
      terminationProtection: environments[environment].guarded,
      tags: { app: 'orderflow', environment },
    });
    this.texts = new Texts(environment);
    const s = (this.settings = environments[environment]);

    this.inventory = this.table(this, 'Inventory');
    this.reserve = this.step('Reserve', 'dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem');
    this.release = this.step('Release', 'dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem');
    this.ship = this.step('Ship', 'dynamodb:UpdateItem');
    this.charge = this.step('Charge', ...(s.secret ? [] : ['dynamodb:UpdateItem']));
    this.refund = this.step('Refund');
    if (s.secret) {
      const secret = new secretsmanager.Secret(this, 'PaymentSecret', { removalPolicy: s.removal });
      for (const f of [this.charge, this.refund]) {
        secret.grantRead(f.role);
        f.fn.addEnvironment('PAYMENT_SECRET_ARN', secret.secretArn);
      }
      new CfnOutput(this, 'PaymentSecretArn', { value: secret.secretArn });
    }

    const workflow = new Construct(this, 'Workflow');
    this.orders = this.table(workflow, 'Table', { name: 'sk', type: dynamodb.AttributeType.STRING });
    this.machine = this.makeMachine(workflow);
    this.intake = this.makeFunction('Intake', 30, {
      ORDERS_TABLE_NAME: this.orders.tableName, STATE_MACHINE_ARN: this.machine.stateMachineArn, RETENTION_DAYS: '7',
    });
    this.grant(this.intake.role, this.orders, 'dynamodb:PutItem', 'dynamodb:UpdateItem');
    this.machine.grantStartExecution(this.intake.role);

    this.users = this.makeUsers();
    const api = new Construct(this, 'Api');
    this.dead = new sqs.Queue(api, 'DeadLetterQueue', {
      enforceSSL: true, encryption: sqs.QueueEncryption.SQS_MANAGED, maxMessageSizeBytes: 262144,
      retentionPeriod: Duration.days(14), removalPolicy: s.removal,
    });
    this.queue = new sqs.Queue(api, 'Queue', {
      enforceSSL: true, encryption: sqs.QueueEncryption.SQS_MANAGED, maxMessageSizeBytes: 262144,
      retentionPeriod: Duration.days(4), visibilityTimeout: Duration.seconds(180), removalPolicy: s.removal,
      deadLetterQueue: { queue: this.dead, maxReceiveCount: 5 },
    });
    this.api = this.makeApi(api);
    this.intake.fn.addEventSource(new SqsEventSource(this.queue, {
      batchSize: 10, maxConcurrency: s.concurrency, reportBatchItemFailures: true,
    }));
    if (s.wide) {
      this.makeWebAcl(api);
      makeAlarms(this);
    }

    new CfnOutput(this, 'ApiUrl', { value: this.api.url });
    new CfnOutput(this, 'OrdersTableName', { value: this.orders.tableName });
    new CfnOutput(this, 'InventoryTableName', { value: this.inventory.tableName });
    new CfnOutput(this, 'StateMachineArn', { value: this.machine.stateMachineArn });
    new CfnOutput(this, 'DeadLetterQueueUrl', { value: this.dead.queueUrl });
  }

  private table(scope: Construct, id: string, sortKey?: dynamodb.Attribute): dynamodb.Table {
    return new dynamodb.Table(scope, id, {
      partitionKey: { name: 'pk', type: dynamodb.AttributeType.STRING },
      sortKey,
      billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
      stream: sortKey && dynamodb.StreamViewType.NEW_AND_OLD_IMAGES,
      timeToLiveAttribute: 'expiresAt',
      deletionProtection: this.settings.guarded,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: this.settings.recovery },
      removalPolicy: this.settings.removal,
    });
  }

  private makeFunction(id: string, timeout: number, environment: Record<string, string>): GoFunction {
    return new GoFunction(this, id, this.settings.retention, this.settings.removal, timeout, environment);
  }

  private step(id: string, ...actions: string[]): GoFunction {
    const f = this.makeFunction(id, 10, { INVENTORY_TABLE_NAME: this.inventory.tableName, RETENTION_DAYS: '7' });
    if (actions.length > 0) {
      this.grant(f.role, this.inventory, ...actions);
    }
    return f;
  }

  private grant(grantee: iam.IGrantable, table: dynamodb.ITable, ...actions: string[]) {
    iam.Grant.addToPrincipal({ grantee, actions, resourceArns: [table.tableArn] });
  }

  private makeMachine(scope: Construct): stepfunctions.StateMachine {
    const role = new iam.Role(scope, 'Role', { assumedBy: new iam.ServicePrincipal('states.amazonaws.com') });
    this.grant(role, this.orders, 'dynamodb:GetItem', 'dynamodb:UpdateItem');
    const run = {
      RunReserve: this.reserve, UndoReserve: this.release, RunCharge: this.charge, UndoCharge: this.refund, RunShip: this.ship,
    };
    const arns = Object.entries(run).map(([name, f]) => [name, f.fn.functionArn] as const);
    role.addToPolicy(new iam.PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: arns.map(([, arn]) => arn) }));
    const destination = new logs.LogGroup(scope, 'LogGroup', { retention: this.settings.retention, removalPolicy: this.settings.removal });
    return new stepfunctions.StateMachine(scope, 'StateMachine', {
      stateMachineType: stepfunctions.StateMachineType.STANDARD,
      definitionBody: stepfunctions.DefinitionBody.fromString(this.texts.one('AWS::StepFunctions::StateMachine').DefinitionString),
      definitionSubstitutions: { Table: this.orders.tableName, ...Object.fromEntries(arns) },
      role,
      tracingEnabled: true,
      removalPolicy: this.settings.removal,
      logs: { destination, level: this.settings.log, includeExecutionData: false },
    });
  }

  private makeUsers(): cognito.UserPool {
    const users = new cognito.UserPool(this, 'Users', {
      selfSignUpEnabled: false,
      signInAliases: { email: true },
      customAttributes: { tenant: new cognito.StringAttribute({ mutable: false, minLen: 1, maxLen: 64 }) },
      passwordPolicy: { minLength: 12, tempPasswordValidity: Duration.days(3) },
      mfa: cognito.Mfa.OPTIONAL,
      mfaSecondFactor: { otp: true, sms: false },
      accountRecovery: cognito.AccountRecovery.EMAIL_ONLY,
      featurePlan: cognito.FeaturePlan.LITE,
      deletionProtection: this.settings.guarded,
      removalPolicy: this.settings.removal,
    });
    const client = new cognito.UserPoolClient(this, 'Client', {
      userPool: users,
      authFlows: { userSrp: true, adminUserPassword: true },
      disableOAuth: true,
      preventUserExistenceErrors: true,
      enableTokenRevocation: true,
      accessTokenValidity: Duration.hours(1),
      idTokenValidity: Duration.hours(1),
      refreshTokenValidity: Duration.days(1),
      readAttributes: new cognito.ClientAttributes().withStandardAttributes({ email: true }).withCustomAttributes('tenant'),
      writeAttributes: new cognito.ClientAttributes().withStandardAttributes({ fullname: true }),
    });
    new CfnOutput(this, 'UserPoolId', { value: users.userPoolId });
    new CfnOutput(this, 'UserPoolClientId', { value: client.userPoolClientId });
    return users;
  }

  private makeApi(scope: Construct): apigateway.RestApi {
    const accessLog = new logs.LogGroup(scope, 'AccessLog', { retention: this.settings.retention, removalPolicy: this.settings.removal });
    const api = new apigateway.RestApi(scope, 'Api', {
      restApiName: 'Api',
      cloudWatchRole: true,
      cloudWatchRoleRemovalPolicy: RemovalPolicy.RETAIN,
      endpointTypes: [apigateway.EndpointType.REGIONAL],
      defaultMethodOptions: {
        authorizationType: apigateway.AuthorizationType.COGNITO,
        authorizer: new apigateway.CognitoUserPoolsAuthorizer(scope, 'Authorizer', { cognitoUserPools: [this.users] }),
      },
      deployOptions: {
        stageName: 'live', tracingEnabled: true, metricsEnabled: true,
        throttlingRateLimit: this.settings.rate, throttlingBurstLimit: 2 * this.settings.rate,
        accessLogDestination: new apigateway.LogGroupLogDestination(accessLog),
        accessLogFormat: apigateway.AccessLogFormat.custom(this.texts.one('AWS::ApiGateway::Stage').AccessLogSetting.Format),
      },
    });
    const orders = api.root.addResource('orders');
    const order = orders.addResource('{orderId}');
    const status = order.addResource('status');

    const schema = this.texts.one('AWS::ApiGateway::Model').Schema;
    const model = new apigateway.CfnModel(scope, 'Model', { restApiId: api.restApiId, contentType: 'application/json', schema });
    api.latestDeployment!.addToLogicalId(schema);
    const send = this.role(scope, 'QueueRole');
    this.queue.grant(send, 'sqs:SendMessage');
    this.method(orders, 'POST', 'Submit', send, { service: 'sqs', path: Fn.join('/', [Aws.ACCOUNT_ID, this.queue.queueName]) }, {
      requestModels: { 'application/json': apigateway.Model.fromModelName(scope, 'ModelName', model.ref) },
      requestValidatorOptions: { validateRequestBody: true },
    });
    for (const g of this.texts.all('AWS::ApiGateway::GatewayResponse')) {
      const responseHeaders: Record<string, string> = {};
      for (const [name, value] of Object.entries<string>(g.ResponseParameters)) {
        responseHeaders[name.slice('gatewayresponse.header.'.length)] = value;
      }
      api.addGatewayResponse(g.ResponseType, {
        type: apigateway.ResponseType.of(g.ResponseType), responseHeaders, templates: g.ResponseTemplates, statusCode: g.StatusCode,
      });
    }

    const polling = new Construct(this, 'Status');
    const read = this.role(polling, 'ReadRole');
    const cancel = this.role(polling, 'CancelRole');
    this.grant(read, this.orders, 'dynamodb:GetItem', 'dynamodb:Query');
    this.grant(cancel, this.orders, 'dynamodb:UpdateItem');
    this.method(status, 'GET', 'GetStatus', read, { service: 'dynamodb', action: 'GetItem' });
    this.method(order, 'GET', 'GetOrder', read, { service: 'dynamodb', action: 'Query' });
    this.method(status, 'DELETE', 'Cancel', cancel, { service: 'dynamodb', action: 'UpdateItem' });
    return api;
  }

  private role(scope: Construct, id: string): iam.Role {
    return new iam.Role(scope, id, { assumedBy: new iam.ServicePrincipal('apigateway.amazonaws.com') });
  }

  private method(resource: apigateway.Resource, verb: string, operationName: string, credentialsRole: iam.IRole,
    target: apigateway.AwsIntegrationProps, options?: apigateway.MethodOptions) {
    const texts = this.texts.method(operationName, this.orders.tableName);
    resource.addMethod(verb, new apigateway.AwsIntegration({
      ...target,
      integrationHttpMethod: 'POST',
      options: {
        credentialsRole,
        passthroughBehavior: apigateway.PassthroughBehavior.NEVER,
        requestParameters: texts.requestParameters,
        requestTemplates: texts.requestTemplates,
        integrationResponses: texts.outcomes,
      },
    }), { operationName, methodResponses: texts.declared, requestParameters: texts.methodParameters, ...options });
  }

  private makeWebAcl(scope: Construct) {
    const visible = (metricName: string) => ({ cloudWatchMetricsEnabled: true, metricName, sampledRequestsEnabled: true });
    const managed = ['AWSManagedRulesAmazonIpReputationList', 'AWSManagedRulesKnownBadInputsRuleSet', 'AWSManagedRulesCommonRuleSet'];
    const acl = new wafv2.CfnWebACL(scope, 'WebAcl', {
      scope: 'REGIONAL',
      defaultAction: { allow: {} },
      visibilityConfig: visible('WebAcl'),
      rules: [
        {
          name: 'RatePerIP', priority: 0, action: { block: {} }, visibilityConfig: visible('RatePerIP'),
          statement: { rateBasedStatement: { aggregateKeyType: 'IP', limit: 2000 } },
        },
        ...managed.map((name, i) => ({
          name, priority: i + 1, overrideAction: { none: {} }, visibilityConfig: visible(name),
          statement: { managedRuleGroupStatement: { vendorName: 'AWS', name } },
        })),
      ],
    });
    new wafv2.CfnWebACLAssociation(scope, 'WebAclAssociation', {
      resourceArn: this.api.deploymentStage.stageArn, webAclArn: acl.attrArn,
    });
  }
}
