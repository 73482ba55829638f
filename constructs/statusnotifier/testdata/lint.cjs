// Lints resolvers with AWS's rules for APPSYNC_JS. Usage: node lint.cjs
// <referees> <folder>: the packages are those of the first, the .js files those
// of the second. Prints one finding a line.
const { createRequire } = require('node:module');
const { readdirSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

const [referees, folder] = process.argv.slice(2);
const load = createRequire(join(referees, 'package.json'));
const { ESLint } = load('eslint');
const appsync = load('@aws-appsync/eslint-plugin');

// The types tell the rules which methods are strings' and which are not.
writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({
  compilerOptions: {
    allowJs: true, noEmit: true, strict: false, target: 'esnext', module: 'esnext', moduleResolution: 'bundler', types: [],
    paths: { '@aws-appsync/utils': [join(referees, 'node_modules/@aws-appsync/utils')] },
  },
  include: ['*.js'],
}));

(async () => {
  const eslint = new ESLint({
    cwd: folder,
    overrideConfigFile: true,
    overrideConfig: [
      { languageOptions: { parserOptions: { project: join(folder, 'tsconfig.json'), tsconfigRootDir: folder } } },
      (appsync.default ?? appsync).configs.recommended,
    ],
  });
  const files = readdirSync(folder).filter((name) => name.endsWith('.js'));
  for (const result of await eslint.lintFiles(files)) {
    for (const m of result.messages) {
      console.log(`${result.filePath}:${m.line}: ${m.message} (${m.ruleId})`);
    }
  }
  console.log(`linted ${files.length}`);
})();
