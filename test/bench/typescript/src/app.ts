// The app of infra in TypeScript: for each environment the same number of
// resources of each type, made with the same constructs of the library. Only to
// measure the Go app beside it; nobody should deploy it.
import { App } from 'aws-cdk-lib';
import { OrderFlow } from './orderflow';

const app = new App({ analyticsReporting: false });
for (const environment of ['dev', 'staging', 'prod'] as const) {
  new OrderFlow(app, environment);
}
app.synth();
