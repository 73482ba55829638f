export function request(ctx) {
  tenantOf(ctx);
  const statuses = ctx.args.statuses ?? [];
  if (statuses.length > {{maxStatuses}}) {
    util.error('At most {{maxStatuses}} statuses can be chosen.', 'TooManyStatuses');
  }
  return { payload: null };
}

/**
 * Limits the subscription to the caller's own tenant, and to the statuses if
 * any are chosen. Groups are alternatives; one "in" takes no more than five
 * values.
 */
export function response(ctx) {
  const own = { fieldName: 'tenant', operator: 'eq', value: tenantOf(ctx) };
  const statuses = ctx.args.statuses ?? [];
  const filterGroup = [];
  if (statuses.length === 0) {
    filterGroup.push({ filters: [own] });
  }
  for (const from of [{{starts}}]) {
    const some = statuses.slice(from, from + {{inValues}});
    if (some.length > 0) {
      filterGroup.push({ filters: [own, { fieldName: 'status', operator: 'in', value: some }] });
    }
  }
  extensions.setSubscriptionFilter({ filterGroup });
  return null;
}
