// Prints how @aws-cdk/cloudformation-diff judges changes: for each case, the resources that are or may be replaced, deleted or orphaned. The input is
// {"template": …, "cases": [{"id", "property", "value"}]}; a value that is null removes the property, no property removes the resource. What it cannot judge is null.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const require = createRequire(process.argv[2] + '/');
const { fullDiff } = require('@aws-cdk/cloudformation-diff');
const { template, cases } = JSON.parse(readFileSync(0, 'utf8'));
const out = cases.map(({ id, property, value }) => {
  const old = structuredClone(template);
  const changed = structuredClone(template);
  if (!property) {
    delete changed.Resources[id];
  } else if (value === null) {
    delete changed.Resources[id].Properties[property];
  } else {
    changed.Resources[id].Properties[property] = value;
  }
  const impacts = {};
  try {
    fullDiff(old, changed).resources.forEachDifference((name, change) => {
      impacts[name] = change.changeImpact;
    });
  } catch {
    return null; // it expects policies to be there
  }
  return impacts;
});
process.stdout.write(JSON.stringify(out));
