// Executes queries with the npm package graphql. Standard input is one JSON document: {schema, root, cases:
// [{query, variables}]}; standard output a list of {data, paths} in the order of the cases, with the
// sorted paths of the errors.
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

const require = createRequire(resolve(process.env.ORDERFLOW_REFEREES ?? process.cwd(), 'package.json'));
const { buildSchema, graphql } = require('graphql');

let input = '';
for await (const chunk of process.stdin) input += chunk;
const { schema, root, cases } = JSON.parse(input);
const built = buildSchema(schema);
const results = [];
for (const c of cases) {
  const { data, errors } = await graphql({ schema: built, rootValue: root, source: c.query, variableValues: c.variables });
  results.push({ data: data ?? null, paths: (errors ?? []).map((e) => JSON.stringify(e.path ?? null)).sort() });
}
process.stdout.write(JSON.stringify(results));
