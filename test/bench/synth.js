// The measurement of synth.sh, which builds what this runs.
'use strict';
const { spawnSync } = require('node:child_process');
const { mkdirSync, readFileSync, rmSync } = require('node:fs');
const { cpus } = require('node:os');
const { join } = require('node:path');

const [work, rounds] = [process.argv[2], Number(process.argv[3])];
const apps = {
  Go: { app: [join(work, 'infra')], empty: [join(work, 'empty')] },
  TypeScript: { empty: [process.execPath, join(__dirname, 'typescript/dist/empty.js')] },
};

// What the CDK's command line would tell the app.
const { context } = JSON.parse(readFileSync('cdk.json', 'utf8'));
const common = {
  ...process.env,
  CDK_CONTEXT_JSON: JSON.stringify(context),
  JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION: '20',
};

/** Synthesizes into a new folder and returns the seconds that it took. */
function synth(app, env, which = 'app') {
  const out = join(work, 'out', app);
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const [command, ...args] = apps[app][which];
  const begin = process.hrtime.bigint();
  const { status, stderr } = spawnSync(command, args, { env: { ...common, CDK_OUTDIR: out, ...env } });
  const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
  if (status !== 0) {
    throw new Error(`${app}: exit status ${status}\n${stderr}`);
  }
  return seconds;
}

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

function measure(title, n, env, { which, names = ['Go'] } = {}) {
  const times = Object.fromEntries(names.map((app) => [app, []]));
  for (let i = 0; i < n; i++) {
    for (const app of names) {
      times[app].push(synth(app, env, which));
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

const few = Math.ceil(rounds / 3);
console.log(`Node ${process.version}, ${cpus().length} CPUs; medians`);
row('', 'rounds', 'Go', 'TypeScript', 'ratio', 'difference');
const off = { CDK_VALIDATION: 'false' };
measure('all environments', rounds, off);
measure('an app without stacks', rounds, off, { which: 'empty', names: Object.keys(apps) });
measure('all, validated', few, { CDK_VALIDATION: 'true' });
// The bridge keeps what it unpacks in the user's cache folder; a machine's first synthesis is without.
measure('all, nothing unpacked yet', few, { ...off, JSII_RUNTIME_PACKAGE_CACHE: 'disabled' });
