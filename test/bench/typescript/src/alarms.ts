import { Aws, CfnOutput, Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { OrderFlow } from './orderflow';

export function makeAlarms(stack: OrderFlow) {
  const scope = new Construct(stack, 'Alarms');
  const cloudWatch = new iam.ServicePrincipal('cloudwatch.amazonaws.com');
  const conditions = { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } };
  const masterKey = new kms.Key(scope, 'Key', { enableKeyRotation: true, removalPolicy: RemovalPolicy.DESTROY });
  masterKey.addToResourcePolicy(new iam.PolicyStatement({
    principals: [cloudWatch], actions: ['kms:Decrypt', 'kms:GenerateDataKey*'], resources: ['*'], conditions,
  }));
  const topic = new sns.Topic(scope, 'Topic', { masterKey, enforceSSL: true });
  topic.addToResourcePolicy(new iam.PolicyStatement({
    principals: [cloudWatch], actions: ['sns:Publish'], resources: [topic.topicArn], conditions,
  }));
  const action = new SnsAction(topic);

  const minute: cloudwatch.MetricOptions = { period: Duration.minutes(1), statistic: 'Maximum' };
  const sum: cloudwatch.MetricOptions = { period: Duration.minutes(5), statistic: 'Sum' };
  const metrics: [string, cloudwatch.IMetric, number][] = [
    ['DeadLetters', stack.dead.metricApproximateNumberOfMessagesVisible(minute), 0],
    ['OldestMessage', stack.queue.metricApproximateAgeOfOldestMessage(minute), 300],
    ['ServerErrors', stack.api.metricServerError(sum), 0],
    ['ExecutionsFailed', stack.machine.metricFailed(sum), 0],
    ['ExecutionsTimedOut', stack.machine.metricTimedOut(sum), 0],
    ['IntakeErrors', stack.intake.fn.metricErrors(sum), 0],
    ['ShipErrors', stack.ship.fn.metricErrors(sum), 0],
    ['ReleaseErrors', stack.release.fn.metricErrors(sum), 0],
    ['RefundErrors', stack.refund.fn.metricErrors(sum), 0],
  ];
  for (const [id, metric, threshold] of metrics) {
    new cloudwatch.Alarm(scope, id, {
      alarmDescription: id, metric, threshold, evaluationPeriods: 1,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    }).addAlarmAction(action);
  }
  new CfnOutput(stack, 'AlarmTopicArn', { value: topic.topicArn });
}
