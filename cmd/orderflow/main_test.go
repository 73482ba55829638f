package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/orderflow-cdk/orderflow/internal/snapshot"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"orderflow": func() { os.Exit(run(os.Args[1:])) },
	})
}

// TestScripts runs the scenarios of testdata/script as a user would type them.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", Cmds: scriptCommands})
}

// TestMoreOrdersThanHistories has more orders than executions keep their
// history by default, and more than the gateway admits at once.
func TestMoreOrdersThanHistories(t *testing.T) {
	dir := t.TempDir()
	orders := strings.Repeat(`{"currency":"EUR","items":[{"sku":"A","quantity":1,"unitPrice":100}],"payment":{"method":"card","token":"tok_visa"},`+
		`"shipTo":{"name":"N","line1":"L","city":"C","postalCode":"P","country":"DE"}}`+"\n", 1_100)
	ordersFile, stockFile := filepath.Join(dir, "orders.jsonl"), filepath.Join(dir, "stock.json")
	for file, text := range map[string]string{ordersFile: orders, stockFile: `{"A": 1100}`} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if code := run([]string{"demo", "--orders", ordersFile, "--stock", stockFile}); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestOrdersThatNobodyTakesAreLost runs a stack whose functions cannot start.
func TestOrdersThatNobodyTakesAreLost(t *testing.T) {
	template, err := snapshot.Template("dev")
	if err != nil {
		t.Fatal(err)
	}
	broken := bytes.ReplaceAll(template, []byte(`"LOG_LEVEL": "DEBUG"`), []byte(`"LOG_LEVEL": "LOUD"`))
	if bytes.Equal(broken, template) {
		t.Fatal("the template sets no LOG_LEVEL")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "orderflow-dev.template.json"), broken, 0o644); err != nil {
		t.Fatal(err)
	}
	logs := filepath.Join(dir, "logs")
	if code := run([]string{"demo", "--app", dir, "--logs", logs}); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	if text, err := os.ReadFile(logs); err != nil || !bytes.Contains(text, []byte("LOG_LEVEL")) {
		t.Errorf("the logs do not say why: %.200s, %v", text, err)
	}
}
