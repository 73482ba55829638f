/** The caller's tenant; who has none is refused. */
function tenantOf(ctx) {
  const tenant = {{tenant}};
  if (!tenant) {
    util.unauthorized();
  }
  return `${tenant}`;
}

/**
 * The tenant's tag: base64url without padding. The detour of percent signs
 * spares replaceAll the plus sign, which is an operator where patterns are
 * regular expressions.
 */
function tagOf(tenant) {
  return util
    .urlEncode(util.base64Encode(tenant))
    .replaceAll('%2B', '-')
    .replaceAll('%2F', '_')
    .replaceAll('%3D', '');
}

/** Refuses an id that was not made for the tenant, as if there were none. */
function checkOwn(orderId, tag) {
  if (!orderId.endsWith(`-${tag}`) || !util.matches('^[A-Za-z0-9_-]{1,400}$', orderId)) {
    util.error('There is no such order.', 'UnknownOrder');
  }
}
