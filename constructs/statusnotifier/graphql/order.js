/** Reads an order's status. */
export function request(ctx) {
  const tag = tagOf(tenantOf(ctx));
  checkOwn(ctx.args.orderId, tag);
  return {
    operation: 'GetItem',
    key: util.dynamodb.toMapValues({ {{pk}}: `${tag}#${ctx.args.orderId}`, {{sk}}: '{{statusItem}}' }),
    consistentRead: true,
  };
}

/**
 * Whether an order of this id may still be on its way to the table. An id
 * without a key begins with the time of its order in milliseconds, whose 13
 * digits compare like the numbers.
 */
function pending(orderId) {
  if (orderId.startsWith('k-')) {
    return true;
  }
  const now = util.time.nowEpochMilliSeconds();
  const sent = orderId.slice(0, 13);
  return (
    util.matches('^[1-9][0-9]{12}-[A-Za-z0-9_-]+$', orderId) &&
    sent >= `${now - {{acceptanceMillis}}}` &&
    sent <= `${now + {{skewMillis}}}`
  );
}

/** Tells it; an order that is not recorded yet is QUEUED. */
export function response(ctx) {
  if (ctx.error) {
    util.error('The order could not be read. Try again.', 'Unavailable');
  }
  const item = ctx.result;
  if (item && item.{{status}}) {
    return {
      orderId: ctx.args.orderId,
      status: item.{{status}},
      sequence: item.{{sequence}},
      acceptedAt: item.{{acceptedAt}},
      updatedAt: item.{{updatedAt}},
      reason: item.{{reason}},
      detail: item.{{detail}},
      conflicts: item.{{conflicts}} ?? 0,
      cancelRequested: item.{{cancelRequested}} ?? false,
    };
  }
  if (!pending(ctx.args.orderId)) {
    util.error('There is no such order.', 'UnknownOrder');
  }
  return {
    orderId: ctx.args.orderId,
    status: 'QUEUED',
    sequence: 0,
    conflicts: 0,
    cancelRequested: item?.{{cancelRequested}} ?? false,
  };
}
