// Subscribes with the AppSync links of Apollo Client and writes what happens, one JSON
// document a line: {"event":"connected"}, {"event":"data","index":0,"data":…}, {"event":"error","message":…}.
//
// It reads one JSON document from standard input:
//
//	url            the GraphQL endpoint, http://host:port/graphql
//	region         default us-east-1
//	apiKey, token  API key, or a user pool's JWT; or
//	credentials    {accessKeyId, secretAccessKey} for AWS_IAM
//	subscriptions  [{query, variables}]
//	events         end after so many data events in all; default: when all are connected or refused, and "then" is done
//	timeout        milliseconds after which it gives up, {"event":"timeout"}; default 20000
//	then           {query, variables}: sent by the auth link once all are connected or refused
//
// The packages come from the folder ORDERFLOW_REFEREES.
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

const folder = process.env.ORDERFLOW_REFEREES ?? process.cwd();
const require = createRequire(resolve(folder, 'package.json'));
const Socket = require('ws');
const { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } = require('@apollo/client');
const { createAuthLink } = require('aws-appsync-auth-link');
const { createSubscriptionHandshakeLink } = require('aws-appsync-subscription-link');

let input = '';
for await (const chunk of process.stdin) input += chunk;
const job = JSON.parse(input);

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const url = job.url;
const region = job.region ?? 'us-east-1';
const auth = job.token
  ? { type: 'AMAZON_COGNITO_USER_POOLS', jwtToken: async () => job.token }
  : job.credentials
    ? { type: 'AWS_IAM', credentials: job.credentials }
    : { type: 'API_KEY', apiKey: job.apiKey };

const client = new ApolloClient({
  link: ApolloLink.from([
    createAuthLink({ url, region, auth }),
    createSubscriptionHandshakeLink({ url, region, auth }, new HttpLink({ uri: url })),
  ]),
  cache: new InMemoryCache(),
  defaultOptions: { query: { fetchPolicy: 'no-cache' }, mutate: { fetchPolicy: 'no-cache' } },
});

setTimeout(() => {
  say({ event: 'timeout' });
  process.exit(1);
}, job.timeout ?? 20000).unref();

// The links tell nobody that a subscription has begun unless asked in a way that varies with
// Apollo's version; the frame that says so does not.
globalThis.WebSocket = class extends Socket {
  constructor(address, protocols) {
    super(address, protocols);
    this.addEventListener('message', (m) => {
      if (JSON.parse(m.data).type !== 'start_ack') return;
      say({ event: 'connected' });
      setTimeout(settle, 50);
    });
  }
};

let settled = 0;
let events = 0;
const messageOf = (e) => (e?.errors ?? e?.cause?.errors)?.map((x) => x.message).join('; ') ?? e?.message ?? String(e);

async function settle() {
  settled += 1;
  if (settled !== job.subscriptions.length) return;
  if (job.then) {
    const kind = job.then.query.trimStart().startsWith('mutation') ? 'mutate' : 'query';
    try {
      const document = gql(job.then.query);
      const result = await client[kind]({ [kind === 'mutate' ? 'mutation' : 'query']: document, variables: job.then.variables });
      say({ event: 'answer', data: result.data });
    } catch (e) {
      say({ event: 'failed', message: messageOf(e) });
    }
  }
  if (!job.events) finish();
}

function finish() {
  for (const s of running) s.unsubscribe();
  setTimeout(() => process.exit(0), 300);
}

const running = job.subscriptions.map((s, index) => client
  .subscribe({ query: gql(s.query), variables: s.variables, fetchPolicy: 'no-cache' })
  .subscribe({
    next(result) {
      if (result.error) {
        say({ event: 'error', index, message: messageOf(result.error) });
        void settle();
        return;
      }
      say({ event: 'data', index, data: result.data });
      events += 1;
      if (job.events && events >= job.events) finish();
    },
    error(e) {
      say({ event: 'error', index, message: messageOf(e) });
      void settle();
    },
  }));
