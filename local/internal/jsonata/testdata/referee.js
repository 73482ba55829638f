// Evaluates expressions with the jsonata package of npm whose folder is the
// first argument: a JSON array of {expr, vars} in, an array of outcomes out,
// {value} or {undefined: true} or {error: code}. The clock stands still, and
// $parse is there because Step Functions adds it.
const instant = Date.UTC(2026, 0, 2, 3, 4, 5, 6);
const RealDate = Date;
globalThis.Date = class extends RealDate {
  constructor(...args) {
    if (args.length) super(...args);
    else super(instant);
  }
};
const jsonata = require(process.argv[2]);

// A state machine cannot go on with a function or an infinite number.
function notJSON(x) {
  return typeof x === "function" || (typeof x === "number" && !Number.isFinite(x)) ||
    (x !== null && typeof x === "object" && (x._jsonata_function || x._jsonata_lambda));
}

async function outcome({ expr, vars }) {
  try {
    const e = jsonata(expr);
    e.registerFunction("parse", (s) => (s === undefined ? undefined : JSON.parse(s)), "<s-:x>");
    const v = await e.evaluate(undefined, structuredClone(vars));
    if (v === undefined) return { undefined: true };
    if (notJSON(v)) return { error: "the result is not JSON" };
    const bad = [];
    const text = JSON.stringify(v, (k, x) => {
      if (notJSON(x)) bad.push(k);
      return x;
    });
    if (bad.length) return { error: "the result is not JSON" };
    return { value: JSON.parse(text) };
  } catch (err) {
    return { error: String(err.code || err.message || err) };
  }
}

async function main() {
  const chunks = [];
  for await (const c of process.stdin) chunks.push(c);
  const out = [];
  for (const c of JSON.parse(Buffer.concat(chunks).toString())) {
    const stop = new Promise((r) => setTimeout(r, 3000, { error: "timeout" }).unref());
    out.push(await Promise.race([outcome(c), stop]));
  }
  process.stdout.write(JSON.stringify(out));
}
main();
