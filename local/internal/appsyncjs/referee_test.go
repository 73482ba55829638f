package appsyncjs_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/internal/referee"
	"github.com/orderflow-cdk/orderflow/local/internal/appsyncjs"
)

// The referee is AWS's own linter for APPSYNC_JS, @aws-appsync/eslint-plugin (npm, 2.0.2, with eslint 9 and
// typescript 5), with the configuration that it recommends. It is looked for in the node_modules of
// $ORDERFLOW_REFEREES, by default test/referees of this repository:
//
//	cd test/referees && npm ci
//
// It is a linter: it does not compile. Where it judges a case of testdata/code.txtar otherwise, this says why:
var lintDifferences = map[string]string{
	"refused/class-expression.js":      "it looks at class declarations only",
	"refused/generator-expression.js":  "it looks at generator declarations only",
	"refused/throw.js":                 "it has no rule; the list of unsupported statements has throw",
	"refused/recursion-in-callback.js": "it does not follow calls inside of callbacks; the function does call itself",
	"refused/context-arrow.js":         "it looks at function declarations only",
	"refused/date.js":                  "it has no rule for Date, which AppSync refuses (issue 402 of aws-appsync-community)",
	"refused/math.js":                  "it has no rule for Math; the list of supported functions has six, and this is none",
	"refused/parse-int.js":             "it has no rule for globals; the list of supported globals does not have it",
	"refused/eval.js":                  "it has no rule for globals",
	"refused/timer.js":                 "it has no rule for globals",
	"refused/utility.js":               "it leaves to TypeScript what util has",
	"refused/xml.js":                   "AppSync has it; this runtime has not",
	"refused/rds.js":                   "AppSync has it; this runtime has not",
	"refused/import.js":                "it leaves imports to the bundler",
	"refused/import-name.js":           "it leaves imports to TypeScript",
	"refused/dynamic-import.js":        "it has no rule",
	"refused/default-export.js":        "it does not look for handlers",
	"refused/bind.js":                  "it has no rule; the list of supported features says that bind is none",
	"refused/prototype.js":             "it has no rule; nothing on the list leads to constructors",
	"refused/tag.js":                   "it has no rule; the list has template literals, and String.raw",
	"refused/getter.js":                "it has no rule; the list has no accessors",
	"refused/typescript.js":            "it reads TypeScript; AppSync takes JavaScript",
}

const lintScript = `
const { ESLint } = require('eslint');
const plugin = require('@aws-appsync/eslint-plugin');
const fs = require('fs'), path = require('path');
const dir = process.argv[2];
(async () => {
  const eslint = new ESLint({ cwd: dir, overrideConfigFile: true, ignore: false, overrideConfig: [
    { files: ['**/*.ts'], languageOptions: { parserOptions: { project: path.join(dir, 'tsconfig.json'), tsconfigRootDir: dir } } },
    { files: ['**/*.ts'], ...plugin.configs.recommended },
  ] });
  const out = {};
  for (const r of await eslint.lintFiles(['**/*.ts'])) {
    out[path.relative(dir, r.filePath)] = r.messages.map(m => m.line + ':' + m.column + ' ' + (m.ruleId ?? 'parse') + ' ' + m.message);
  }
  console.log(JSON.stringify(out));
})().catch(e => { console.error(e); process.exit(1); });
`

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// runNode runs a script and reads the JSON that it prints.
func runNode(t *testing.T, folder, script, argument string, into any) {
	t.Helper()
	cmd := exec.Command("node", script, argument)
	cmd.Env = append(os.Environ(), "NODE_PATH="+filepath.Join(folder, "node_modules"))
	if err := json.Unmarshal(referee.Run(t, cmd), into); err != nil {
		t.Fatal(err)
	}
}

func TestCompileAgreesWithTheLinter(t *testing.T) {
	folder := referee.Node(t, "@aws-appsync/eslint-plugin", "eslint", "typescript")
	dir := t.TempDir()
	write := func(name, text string) { writeFile(t, filepath.Join(dir, name), text) }
	write("tsconfig.json", `{"compilerOptions":{"target":"esnext","module":"esnext","lib":["esnext"],"types":[]},"include":["**/*.ts"]}`)
	write("lint.cjs", lintScript)
	files := corpus(t)
	for _, f := range files {
		write(strings.TrimSuffix(f.Name, ".js")+".ts", string(f.Data))
	}
	var verdicts map[string][]string
	runNode(t, folder, filepath.Join(dir, "lint.cjs"), dir, &verdicts)
	seen := map[string]bool{}
	for _, f := range files {
		seen[f.Name] = true
		faults, ok := verdicts[strings.TrimSuffix(f.Name, ".js")+".ts"]
		if !ok {
			t.Errorf("%s: the referee gave no verdict", f.Name)
			continue
		}
		agrees := len(faults) > 0 == strings.HasPrefix(f.Name, "refused/")
		switch why := lintDifferences[f.Name]; {
		case !agrees && why == "":
			t.Errorf("%s: the referee says %q", f.Name, faults)
		case agrees && why != "":
			t.Errorf("%s: the referee agrees, though it is said that %s: %q", f.Name, why, faults)
		}
	}
	for name := range lintDifferences {
		if !seen[name] {
			t.Errorf("there is no case %s", name)
		}
	}
}

// The package @aws-appsync/utils (npm, 2.1.1) has no implementation, only types: what it declares is what
// AppSync checks code against. The script lists every function that it declares.
const declarationsScript = `
const ts = require('typescript'), path = require('path');
const dir = process.argv[2], file = path.join(dir, 'all.ts');
const host = ts.createCompilerHost({});
const options = { target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Node10, types: [], paths: {
  '@aws-appsync/utils': [process.env.NODE_PATH + '/@aws-appsync/utils'],
  '@aws-appsync/utils/dynamodb': [process.env.NODE_PATH + '/@aws-appsync/utils/dynamodb'] }, baseUrl: dir };
const program = ts.createProgram([file], options, host), checker = program.getTypeChecker();
const names = [];
const walk = (type, prefix, at) => {
  for (const p of checker.getPropertiesOfType(type)) {
    const of = checker.getTypeOfSymbolAtLocation(p, at), name = prefix + p.getName();
    if (of.getCallSignatures().length) names.push(name);
    else walk(of, name + '.', at);
  }
};
const source = program.getSourceFile(file);
const visit = n => {
  if (ts.isImportSpecifier(n)) walk(checker.getTypeAtLocation(n.name), n.name.text + '.', n);
  if (ts.isNamespaceImport(n)) walk(checker.getTypeAtLocation(n.name), '', n);
  ts.forEachChild(n, visit);
};
visit(source);
console.log(JSON.stringify(names));
`

func TestUtilitiesAreThoseThatAreDeclared(t *testing.T) {
	folder := referee.Node(t, "@aws-appsync/utils", "typescript")
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "all.ts"), "import { util, extensions, runtime } from '@aws-appsync/utils';\nimport * as ddb from '@aws-appsync/utils/dynamodb';\n")
	writeFile(t, filepath.Join(dir, "list.cjs"), declarationsScript)
	var declared []string
	runNode(t, folder, filepath.Join(dir, "list.cjs"), dir, &declared)
	if len(declared) < 50 {
		t.Fatalf("the referee lists %q only", declared)
	}
	ours := map[string]bool{}
	for _, name := range appsyncjs.UtilityNames() {
		ours[name] = true
	}
	theirs := map[string]bool{}
	for _, name := range declared {
		if strings.HasPrefix(name, "util.rds.") || strings.HasPrefix(name, "util.xml.") {
			name = name[:len("util.xml")]
		}
		theirs[name] = true
		if !ours[name] {
			t.Errorf("%s is declared, but neither there nor refused", name)
		}
	}
	for name := range ours {
		if !theirs[name] {
			t.Errorf("%s is not declared", name)
		}
	}
}

// expressions are JavaScript that means the same in AppSync as anywhere: Node judges their values.
var expressions = []string{
	`args`, `[args.n, args.big, args.small, args.neg, -0, 1e21, 1e-7, 123456789012345680000, 0.1 + 0.2, 5 / 0, 0 / 0, 2 ** 53]`,
	`({ b: 1, a: 2, 10: 'x', 9: 'y', 'ü"\\\n': null })`, `[undefined, null, [], {}, [[]]]`, `({ u: undefined, f: () => 1, n: null })`, `undefined`,
	`Object.entries(args).map(([k, v]) => k + '=' + JSON.stringify(v))`, `Object.assign({}, args, { n: 'new' })`, `({ ...args, list: [...args.list, 4] })`,
	`Object.hasOwn(args, 'n') && !Object.hasOwn(args, 'toString')`, `Object.values(args.map).concat(Object.keys(args.map))`,
	`args.list.map((x) => x * 2).filter((x) => x > 2).reduce((a, b) => a + b, 10)`, `args.list.sort().reverse()`, `[10, 9, 1, 'b', 'a'].sort()`,
	`[args.list.indexOf(2), args.list.lastIndexOf(9), args.list.includes(3), args.list.findIndex((x) => x === 2), args.list.findLast((x) => x > 1), args.list.findLastIndex((x) => x > 1)]`,
	`[[1, [2, [3]]].flat(), [1, 2].flatMap((x) => [x, x]), [1, 2, 3].fill(0, 1), [1, 2, 3].slice(-2), args.list.some((x) => x > 2), args.list.every((x) => x > 2)]`,
	`[[3, 4].reduceRight((a, b) => a + '' + b), [1, 2].join('-'), args.list.splice(0, 1), args.list]`,
	`['aBc'.toUpperCase(), 'aBc'.toLowerCase(), ' x '.trim(), ' x '.trimEnd(), ' x '.trimStart(), 'abc'.slice(1), 'abc'.substring(2, 0), 'abc'.charAt(1), 'abc'.concat(1)]`,
	`['a,b'.split(','), 'abc'.startsWith('a'), 'abc'.endsWith('c'), 'abc'.indexOf('c'), 'abca'.lastIndexOf('a'), 'abc'.includes('b'), 'äöü😀'.length, 'abc'[1]]`,
	`[Math.round(-2.5), Math.floor(-1.5), Math.ceil(1.2), Math.min(), Math.max(1, '3'), Number.isFinite('1'), Number.isNaN(NaN)]`,
	`[1 + '1', '3' * '4', +'', +'x', null + 1, [] + {}, true + true, 7 % 3, -7 % 3, 5 & 3, 5 | 3, 5 ^ 3, 1 << 31, -1 >>> 28, '' ?? 'x', null ?? 'y', 0 || 'z']`,
	`[null == undefined, null === undefined, '1' == 1, NaN == NaN, typeof null, typeof [], typeof 'x', typeof (() => 1), void 0]`,
	"[`a${1 + 1}b`, `line\nline`, `${[1, 2]}`, `${`nested ${args.n}`}`, String.raw`\\n${1}`]", `args.none?.deep?.er ?? 'none'`, `args?.map?.['k']`,
	`JSON.stringify({ a: [1, { b: undefined }], c: 'ü\u2028\u0007' }, null, 2)`, `JSON.parse('{"a":[1e3,-0.5,"\\u00fc"],"b":{"c":null}}')`, `JSON.stringify(args, ['n', 'list'])`,
	`(() => { let s = ''; for (const k in args) { s += k; } for (const [i, c] of ['x', 'y'].map((c, i) => [i, c])) { if (i > 0) break; s += c; } return s; })()`,
	`(() => { const { n, map: { k: [first, ...rest] = [] }, missing = 5, ...others } = args; return [n, first, rest, missing, others]; })()`,
	`(() => { switch (args.n) { case 1: case 7: return 'seven'; default: return 'other'; } })()`, `((a, b = a + 1, ...c) => [a, b, c])(1, undefined, 3, 4)`,
	`(() => { var x = 1; { let x = 2; } if (true) { var y = x; } return [x, y]; })()`, `(() => { let a = null; a ??= 1; a ||= 2; a &&= 3; a **= 2; return a; })()`, `'😀'.split('').length`,
}

const languageArguments = `{"n":7,"big":12345678901234567890,"small":1.5e-10,"neg":-3,"s":"é\ud83d\ude00","list":[3,1,2],"map":{"k":["v","w"]},"e":{},"t":true}`

const languageScript = `
const input = JSON.parse(require('fs').readFileSync(process.argv[2], 'utf8'));
console.log(JSON.stringify(input.expressions.map(e => JSON.stringify(new Function('args', '"use strict"; return (' + e + ');')(JSON.parse(input.args))) ?? 'null')));
`

func TestLanguageIsJavaScript(t *testing.T) {
	folder := referee.Node(t)
	dir := t.TempDir()
	input, err := json.Marshal(map[string]any{"expressions": expressions, "args": languageArguments})
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "input.json"), string(input))
	writeFile(t, filepath.Join(dir, "run.cjs"), languageScript)
	var want []string
	runNode(t, folder, filepath.Join(dir, "run.cjs"), filepath.Join(dir, "input.json"), &want)
	rt := newRuntime(nil)
	for i, expression := range expressions {
		p := compile(t, "export function request(ctx) { const args = ctx.args; const value = ("+expression+"); return value; }")
		r, err := rt.Call(p, "request", &appsyncjs.Context{Arguments: json.RawMessage(languageArguments)})
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		if diff := cmp.Diff(want[i], string(r.Value)); diff != "" {
			t.Errorf("%s: %s", expression, diff)
		}
	}
}
