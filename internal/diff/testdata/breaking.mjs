// Prints what graphql-js finds breaking and dangerous of changes of a schema. The input is {"old": …, "new": […]}.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const require = createRequire(process.argv[2] + '/');
const { buildSchema, findBreakingChanges, findDangerousChanges } = require('graphql');
const input = JSON.parse(readFileSync(0, 'utf8'));
const old = buildSchema(input.old);
process.stdout.write(
  JSON.stringify(
    input.new.map((text) => {
      const schema = buildSchema(text);
      return {
        Breaking: findBreakingChanges(old, schema).map((c) => c.description),
        Dangerous: findDangerousChanges(old, schema).map((c) => c.description),
      };
    }),
  ),
);
