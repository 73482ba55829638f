package console_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/orderflow-cdk/orderflow/local"
)

// send sends the request that is in the form, and waits for the new order to be shown. It returns its id.
func (b *browser) send() string {
	b.Helper()
	before := js[string](b, "location.pathname")
	b.click("form[data-send] button.primary")
	return b.shown(before)
}

// shown waits until another order is shown.
func (b *browser) shown(before string) string {
	b.Helper()
	path := ""
	b.until("the order to be shown", func() bool {
		path = js[string](b, "location.pathname")
		return path != before && strings.HasPrefix(path, "/console/orders/")
	})
	return strings.TrimPrefix(path, "/console/orders/")
}

// flip flips a switch of the faults.
func (b *browser) flip(name string) {
	b.Helper()
	b.goTo("faults")
	at := js[int](b, fmt.Sprintf(`[...document.querySelectorAll("button.switch")].findIndex((e) => e.textContent.includes(%q))`, name))
	b.click(fmt.Sprintf(".switches li:nth-child(%d) button.switch", at+1))
}

// Place an order, and see it complete on three channels.
func TestPlaceAnOrderAndSeeItComplete(t *testing.T) {
	a := start(t)
	b := open(t, a)
	id := b.send()
	b.sees("#order-status", "COMPLETED")
	for lane := 2; lane <= 4; lane++ {
		b.sees(fmt.Sprintf(".timeline tbody td:nth-child(%d)", lane), "COMPLETED#4")
	}
	b.sees("section.list tbody", "acme")
	b.sees(".answer", "202 Accepted")
	b.sees(".answer dl", "/orders/"+id+"/status")
	b.shoot("orders", 1280, 800, "light")
	b.shoot("orders", 1600, 1000, "dark")
	b.shoot("narrow", 800, 900, "light")
	b.look(1280, 800, "light")

	// The link alone leads back to it.
	b.do(chromedp.Navigate(a.url + "/orders/" + id))
	b.sees("#order-status", "COMPLETED")
	b.sees(".timeline tbody", "COMPLETED#4")

	b.click(`.facts a[href*="/executions/"]`)
	b.sees("#execution-status", "SUCCEEDED")
	b.until("the states that were visited", func() bool { return js[int](b, `document.querySelectorAll(".state.visited").length`) >= 5 })
	b.sees("section.history tbody", "ExecutionSucceeded")
	b.shoot("execution", 1280, 800, "dark")

	b.goTo("tables")
	b.click(`main a[href*="WorkflowTable"]`)
	b.sees(".items tbody", id)
	b.shoot("tables", 1280, 800, "light")

	b.goTo("logs")
	b.do(chromedp.SendKeys(chromedp.CSS("main input[type=search]"), id))
	b.until("the lines of the order", func() bool {
		return js[bool](b, `(() => { const all = [...document.querySelectorAll(".line")]; return all.length > 3 && new Set(all.map((e) => e.querySelector(".who").textContent)).size > 2; })()`)
	})
	b.shoot("logs", 1280, 800, "dark")
}

// Break it, see it, mend it, redrive it, and see it complete.
func TestBreakItAndRedriveIt(t *testing.T) {
	a := start(t)
	b := open(t, a)
	b.flip("The intake crashes")
	b.sees("#top", "1 fault active")
	b.goTo("orders")
	id := b.send()
	b.sees("#order-status", "QUEUED")
	// Five receives, each of which makes the message invisible for three minutes.
	b.press("d")
	b.do(chromedp.WaitVisible(chromedp.CSS("dialog input[name=by]")), chromedp.SetValue(chromedp.CSS("dialog input[name=by]"), "40m"))
	b.click("dialog button.primary")
	b.sees(`#nav a[data-view="queues"] .badge.bad`, "1")
	b.goTo("architecture")
	b.until("the alarm", func() bool { return js[int](b, `document.querySelectorAll(".node.queue.alarm").length`) == 1 })
	b.shoot("architecture", 1280, 800, "light")
	b.goTo("queues")
	b.click(`main a[href*="ApiDeadLetterQueue"]`)
	b.sees(".messages tbody", "KB-1001")
	b.click(".messages summary")
	b.sees(".messages dl", "ApiQueue")
	b.shoot("dead-letters", 1280, 800, "light")
	b.flip("The intake crashes")
	b.until("the fault to be gone", func() bool { return len(a.stack.Faults()) == 0 })
	b.goTo("queues")
	b.click(`main a[href*="ApiDeadLetterQueue"]`)
	b.click(".redrive button.primary")
	b.sees(".redrive [role=status]", "Moved: 1 of 1")
	b.do(chromedp.Navigate(a.url + "/orders/" + id))
	b.sees("#order-status", "COMPLETED")
}

// A declined payment is seen where it happens: on the order and in the state machine.
func TestADeclinedPayment(t *testing.T) {
	a := start(t)
	b := open(t, a)
	b.flip("The payment is declined")
	b.goTo("orders")
	b.send()
	b.sees("#order-status", "REJECTED")
	b.sees(".detail .bar", "PaymentDeclined")
	b.click(`.facts a[href*="/executions/"]`)
	b.until("the state that failed", func() bool {
		return js[int](b, `[...document.querySelectorAll(".state.tried, .state.failed")].filter((e) => e.textContent.includes("Charge")).length`) > 0
	})
	b.shoot("declined", 1280, 800, "dark")
	b.goTo("faults")
	b.sees(".switches", "happened 1 ×")
	b.shoot("faults", 1280, 800, "light")
}

// An order is cancelled while it is charged.
func TestCancel(t *testing.T) {
	a := start(t)
	b := open(t, a)
	if err := a.stack.SetFaults(local.Fault{Target: "charge", Kind: local.Slow, Delay: 2 * time.Second}); err != nil {
		t.Fatal(err)
	}
	b.send()
	b.sees("#order-status", "RESERVED")
	b.click(".facts button")
	b.sees("#toasts", "202 Accepted")
	b.sees("#order-status", "CANCELLED")
}

// focus is what has the focus: its name for people.
func (b *browser) focus() string {
	b.Helper()
	return js[string](b, `(() => { const e = document.activeElement; return e.getAttribute("aria-label") || e.textContent.trim().slice(0, 60) || e.getAttribute("name") || e.tagName; })()`)
}

// All of it by keyboard.
func TestByKeyboardAlone(t *testing.T) {
	a := start(t)
	b := open(t, a)
	b.press(kb.Tab)
	if got := b.focus(); got != "Skip to content" {
		t.Errorf("the first stop is %q", got)
	}
	b.press("?")
	b.sees("dialog", "Skip to the next timer")
	b.press(kb.Escape)
	b.until("the help to be gone", func() bool { return js[int](b, `document.querySelectorAll("dialog").length`) == 0 })

	before := js[string](b, "location.pathname")
	b.press("c")
	if tag := js[string](b, "document.activeElement.tagName"); tag != "TEXTAREA" {
		t.Errorf("c leads to %s", tag)
	}
	b.press(kb.Backspace) // the protocol types the c, though the page took the key
	b.do(chromedp.KeyEvent(kb.Enter, chromedp.KeyModifiers(chromedp.ModifierCtrl)))
	id := b.shown(before)
	b.sees("#order-status", "COMPLETED")
	b.press(kb.Escape) // out of the field

	b.press("p")
	b.until("time to stand still", a.stack.Paused)
	b.sees("#pause", "Resume")
	b.press("s", "p")
	b.until("time to go on", func() bool { return !a.stack.Paused() })

	for _, view := range []struct{ key, path string }{{"a", "architecture"}, {"q", "queues"}, {"e", "executions"}, {"t", "tables"}, {"l", "logs"}, {"f", "faults"}, {"r", "permissions"}, {"o", "orders"}} {
		b.press("g", view.key)
		b.until("the view "+view.path, func() bool {
			return js[bool](b, fmt.Sprintf(`location.pathname.startsWith("/console/%s") && document.querySelector("#nav [aria-current]")?.dataset.view === %[1]q`, view.path))
		})
	}
	b.press("j", kb.Enter)
	b.sees(".detail h2", id)

	b.press("g", "a")
	b.until("the drawing", func() bool { return js[int](b, `document.querySelectorAll(".node").length`) > 10 })
	b.press("j", "j", kb.Enter)
	b.sees("aside h3", "To")
	b.press("/") // nothing to filter here, and nothing breaks

	// The focus is where one sees it, and it is never lost in what is redrawn.
	b.press("g", "q")
	b.until("the queues", func() bool { return js[int](b, `document.querySelectorAll("main [data-row]").length`) == 6 })
	b.press("j", "j")
	row := b.focus()
	a.place(anOrder)
	time.Sleep(time.Second)
	if got := b.focus(); got != row || !strings.Contains(row, "ApiQueue") {
		t.Errorf("the focus went from %q to %q", row, got)
	}
	if width := js[string](b, `getComputedStyle(document.activeElement).outlineWidth`); width != "2px" {
		t.Errorf("the focus is %s wide", width)
	}
}

// The system's theme, and the reader's.
func TestDarkAndLight(t *testing.T) {
	a := start(t)
	b := open(t, a)
	background := func() string { return js[string](b, `getComputedStyle(document.body).backgroundColor`) }
	b.look(1280, 800, "light")
	light := background()
	b.look(1280, 800, "dark")
	dark := background()
	if light == dark {
		t.Errorf("dark and light are both %s", light)
	}
	b.click("#theme")
	if got := background(); got != light {
		t.Errorf("the theme light is %s, want %s", got, light)
	}
	b.do(chromedp.Reload())
	b.sees("#theme", "Light")
	if got := background(); got != light {
		t.Errorf("the theme light is %s after a reload, want %s", got, light)
	}
	b.click("#theme")
	b.look(1280, 800, "light")
	if got := background(); got != dark {
		t.Errorf("the theme dark is %s, want %s", got, dark)
	}
	// In no width does the page scroll sideways.
	for _, width := range []int64{1600, 1280, 800, 420} {
		b.look(width, 800, "light")
		for _, view := range []string{"orders", "architecture", "queues", "executions", "tables", "logs", "faults", "permissions"} {
			b.goTo(view)
			if over := js[int](b, "document.documentElement.scrollWidth - innerWidth"); over > 0 {
				t.Errorf("%s is %d pixels wider than %d", view, over, width)
			}
		}
	}
}

// A page whose stream breaks off goes on by itself.
func TestThePageComesBack(t *testing.T) {
	a := start(t)
	b := open(t, a)
	b.send()
	b.sees("#order-status", "COMPLETED")
	a.server.CloseClientConnections()
	b.sees(".link", "reconnecting")
	b.sees(".link", "live")
	id := a.place(anOrder)
	b.sees("section.list tbody", id[len(id)-14:])
	if n := js[int](b, `document.querySelectorAll("section.list tbody tr").length`); n != 2 {
		t.Errorf("%d orders are listed", n)
	}
	b.allowed("net::")
}

// What comes from outside is text, wherever it is shown.
func TestTextIsText(t *testing.T) {
	a := start(t)
	b := open(t, a)
	evil := strings.Replace(anOrder, "Ada Lovelace", `<img src=x onerror=alert(1)><script>document.title='pwned'</script>`, 1)
	id := a.place(evil)
	a.ended(id, "COMPLETED")
	b.do(chromedp.Navigate(a.url + "/orders/" + id))
	b.sees("#order-status", "COMPLETED")
	for _, path := range []string{"/tables", "/logs", "/executions"} {
		b.do(chromedp.Navigate(a.url + path))
		b.sees("main", "")
	}
	b.goTo("tables")
	b.click(`main a[href*="WorkflowTable"]`)
	b.sees(".items tbody", "<img src=x")
	if js[int](b, `document.querySelectorAll("img, main script").length`) > 0 || js[string](b, "document.title") == "pwned" {
		t.Error("what an order says became part of the page")
	}
}

// allowed takes problems that a test brings about out of the browser's console.
func (b *browser) allowed(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.problems = slices.DeleteFunc(b.problems, func(p string) bool { return strings.Contains(p, text) })
}
