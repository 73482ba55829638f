// An app without stacks, as ../../empty is in Go.
import { App } from 'aws-cdk-lib';

new App().synth();
