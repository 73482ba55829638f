// Decides requests with @cloud-copilot/iam-simulate. It reads one case on each line: {who, account, action, resource, context, identity, policy},
// and writes what comes of it on one: Allowed, ImplicitlyDenied, ExplicitlyDenied, or an error.
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(process.argv[2] + '/');
const { runSimulation } = await import(pathToFileURL(require.resolve('@cloud-copilot/iam-simulate')));

for await (const line of createInterface({ input: process.stdin })) {
  const c = JSON.parse(line);
  const r = await runSimulation(
    {
      request: { principal: c.who, action: c.action, resource: { resource: c.resource, accountId: c.account }, contextVariables: c.context },
      identityPolicies: c.identity ? [{ name: 'own', policy: c.identity }] : [],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      resourcePolicy: c.policy ?? undefined,
    },
    {},
  );
  console.log(r.overallResult ?? 'error: ' + JSON.stringify(r.errors));
}
