package appsyncjs_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
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

func TestCompileAgreesWithTheLinter(t *testing.T) {
	modules := os.Getenv("ORDERFLOW_REFEREES")
	if modules == "" {
		modules = filepath.Join("..", "..", "..", "test", "referees")
	}
	modules, err := filepath.Abs(filepath.Join(modules, "node_modules"))
	if err != nil {
		t.Fatal(err)
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("the referee is not asked: there is no node")
	}
	for _, name := range []string{"@aws-appsync/eslint-plugin", "eslint", "typescript"} {
		if _, err := os.Stat(filepath.Join(modules, name)); err != nil {
			t.Skipf("the referee is not asked: %s is not installed in %s (npm ci there)", name, modules)
		}
	}
	dir := t.TempDir()
	write := func(name, text string) {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("tsconfig.json", `{"compilerOptions":{"target":"esnext","module":"esnext","lib":["esnext"],"types":[]},"include":["**/*.ts"]}`)
	write("lint.cjs", lintScript)
	files := corpus(t)
	for _, f := range files {
		write(strings.TrimSuffix(f.Name, ".js")+".ts", string(f.Data))
	}
	cmd := exec.Command(node, filepath.Join(dir, "lint.cjs"), dir)
	cmd.Env = append(os.Environ(), "NODE_PATH="+modules)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the referee failed: %v\n%s", err, stderr.String())
	}
	var verdicts map[string][]string
	if err := json.Unmarshal(out, &verdicts); err != nil {
		t.Fatal(err)
	}
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
