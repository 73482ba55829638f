// As much of @aws-appsync/utils as the resolvers use. It is always
// 2026-09-21T13:33:20.123Z.
export class Stop extends Error {
  constructor(message, type) {
    super(message);
    this.type = type;
  }
}

export const filters = [];

export const util = {
  base64Encode: (s) => Buffer.from(s, 'utf8').toString('base64'),
  urlEncode: (s) => new URLSearchParams({ x: s }).toString().slice(2),
  matches: (pattern, s) => new RegExp(pattern).test(s),
  error: (message, type) => {
    throw new Stop(message, type);
  },
  unauthorized: () => {
    throw new Stop('Unauthorized', 'Unauthorized');
  },
  time: { nowEpochMilliSeconds: () => 1790000000123 },
  dynamodb: {
    toMapValues: (m) => Object.fromEntries(Object.entries(m).map(([k, v]) => [k, { S: v }])),
  },
};

export const extensions = { setSubscriptionFilter: (f) => filters.push(f) };
