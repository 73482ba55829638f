export function request(ctx) {
  checkOwn(ctx.args.orderId, tagOf(tenantOf(ctx)));
  return { payload: null };
}

/** Limits the subscription to the order, and to the caller's own tenant. */
export function response(ctx) {
  extensions.setSubscriptionFilter({
    filterGroup: [
      {
        filters: [
          { fieldName: 'tenant', operator: 'eq', value: tenantOf(ctx) },
          { fieldName: 'orderId', operator: 'eq', value: ctx.args.orderId },
        ],
      },
    ],
  });
  return null;
}
