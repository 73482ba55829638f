package console_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/orderflow-cdk/orderflow/internal/referee"
)

// The accessibility of all views, in both themes, is judged by axe-core (WCAG 2.2 A and AA, and its best practices):
//
//	cd test/referees && npm ci     (axe-core 4.10.3)
//
// It takes Chromium too.
func TestAccessibility(t *testing.T) {
	axe, err := os.ReadFile(filepath.Join(referee.Node(t, "axe-core"), "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	a := start(t)
	b := open(t, a)
	b.send()
	b.sees("#order-status", "COMPLETED")
	if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](string(axe)+"; true")); err != nil {
		t.Fatal(err)
	}
	judge := func(what string) {
		t.Helper()
		const ask = `axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
			.then((r) => r.violations.map((v) => v.id + " (" + v.impact + "): " + v.help + "\n    " + v.nodes.slice(0, 4).map((n) => n.html.slice(0, 200) + "\n      " + n.failureSummary.replaceAll("\n", " ")).join("\n    ")).join("\n"))`
		problems, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](ask, chromedp.EvalAwaitPromise))
		if err != nil {
			t.Fatal(err)
		}
		if problems != "" {
			t.Errorf("%s:\n%s", what, problems)
		}
	}
	b.flip("Shipping takes 5 s")
	for _, theme := range []string{"light", "dark"} {
		b.look(1280, 800, theme)
		for _, view := range []string{"orders", "architecture", "queues", "executions", "tables", "logs", "faults", "permissions"} {
			b.goTo(view)
			b.do(chromedp.Sleep(400 * time.Millisecond))
			judge(fmt.Sprint(view, " ", theme))
			if strings.Contains("orders queues executions tables", view) {
				b.click("main [data-row]")
				b.do(chromedp.Sleep(500 * time.Millisecond))
				judge(fmt.Sprint(view, ", one, ", theme))
			}
		}
		b.press("?")
		b.do(chromedp.WaitVisible(chromedp.CSS("dialog")))
		judge("help " + theme)
		b.click("dialog button")
	}
}
