// Runs resolvers in Node.js. Each line of the input is a JSON object {code,
// handler, ctx}; each line of the output {value}, or {error}, and {filter} if
// the resolver set one. utils.mjs stands in for @aws-appsync/utils.
import { createInterface } from 'node:readline';
import { filters, Stop } from './utils.mjs';

const utils = new URL('./utils.mjs', import.meta.url).href;
for await (const line of createInterface({ input: process.stdin })) {
  const { code, handler, ctx } = JSON.parse(line);
  const module = await import('data:text/javascript,' + encodeURIComponent(code.replace("'@aws-appsync/utils'", `'${utils}'`)));
  const out = {};
  filters.length = 0;
  try {
    out.value = module[handler](ctx) ?? null;
  } catch (e) {
    if (!(e instanceof Stop)) throw e;
    out.error = `${e.type}: ${e.message}`;
  }
  if (filters.length > 0) out.filter = filters[0];
  console.log(JSON.stringify(out));
}
