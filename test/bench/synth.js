// The measurement of synth.sh, which builds what this runs.
'use strict';
const { spawnSync } = require('node:child_process');
const { mkdirSync, readFileSync, rmSync } = require('node:fs');
const { cpus } = require('node:os');
const { join } = require('node:path');

const [work, rounds] = [process.argv[2], Number(process.argv[3])];
const apps = {
  Go: [join(work, 'infra')],
  TypeScript: [process.execPath, join(__dirname, 'typescript/dist/app.js')],
};

// What the CDK's command line would tell the app.
const { context } = JSON.parse(readFileSync('cdk.json', 'utf8'));
const common = {
  ...process.env,
  CDK_CONTEXT_JSON: JSON.stringify(context),
  JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION: '20',
};

/** Synthesizes into a new folder and returns the seconds that it took. */
function synth(app, env) {
  const out = join(work, 'out', app);
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const [command, ...args] = apps[app];
  const begin = process.hrtime.bigint();
  const { status, stderr } = spawnSync(command, args, { env: { ...common, CDK_OUTDIR: out, ...env } });
  const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
  if (status !== 0) {
    throw new Error(`${app}: exit status ${status}\n${stderr}`);
  }
  return seconds;
}

function resources(app, environment) {
  const counts = {};
  const file = join(work, 'out', app, `orderflow-${environment}.template.json`);
  for (const { Type } of Object.values(JSON.parse(readFileSync(file, 'utf8')).Resources)) {
    counts[Type] = (counts[Type] ?? 0) + 1;
  }
  return counts;
}

function checkThatEqual() {
  for (const app of Object.keys(apps)) {
    synth(app, { CDK_VALIDATION: 'false' });
  }
  for (const environment of ['dev', 'staging', 'prod']) {
    const [a, b] = Object.keys(apps).map((app) => resources(app, environment));
    for (const type of new Set([...Object.keys(a), ...Object.keys(b)])) {
      if (a[type] !== b[type]) {
        throw new Error(`${environment}: ${type}: ${a[type] ?? 0} resources in Go, ${b[type] ?? 0} in TypeScript`);
      }
    }
  }
}

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

function measure(title, n, env, names = Object.keys(apps)) {
  const times = Object.fromEntries(names.map((app) => [app, []]));
  for (let i = 0; i < n; i++) {
    for (const app of names) {
      times[app].push(synth(app, env));
    }
  }
  const medians = names.map((app) => median(times[app]));
  const cells = medians.map((m) => m.toFixed(2) + ' s');
  if (medians.length === 2) {
    cells.push((medians[0] / medians[1]).toFixed(2), (medians[0] - medians[1]).toFixed(2) + ' s');
  }
  row(title, n, ...cells);
}

function row(title, ...cells) {
  console.log(title.padEnd(26) + cells.map((cell) => String(cell).padStart(12)).join(''));
}

checkThatEqual();
const few = Math.ceil(rounds / 3);
console.log(`Node ${process.version}, ${cpus().length} CPUs; medians, all three environments`);
row('', 'rounds', 'Go', 'TypeScript', 'ratio', 'difference');
measure('validation off', rounds, { CDK_VALIDATION: 'false' });
measure('validation on', few, { CDK_VALIDATION: 'true' });
// The bridge keeps what it unpacks in the user's cache folder; a machine's first synthesis is without.
measure('off, nothing unpacked yet', few, { CDK_VALIDATION: 'false', JSII_RUNTIME_PACKAGE_CACHE: 'disabled' }, ['Go']);
