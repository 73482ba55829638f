/** What is published is what subscribers get. */
export function request(ctx) {
  return { payload: ctx.args.event };
}

export function response(ctx) {
  return ctx.result;
}
