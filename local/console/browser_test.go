package console_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"image/png"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

var screenshots = flag.String("screenshots", "", "write screenshots of the page to this folder")

// chromium is the browser: Debian's package chromium, or what CHROMIUM names.
func chromium(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("CHROMIUM"); path != "" {
		return path
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("there is no Chromium (apt-get install chromium, or CHROMIUM=path): the page is not tried in a browser")
	return ""
}

// browser is a tab of Chromium that shows the page of an app.
type browser struct {
	*app
	ctx context.Context

	mu       sync.Mutex
	problems []string // of the browser's console
	outside  []string // requests that did not go to the page
}

func open(t *testing.T, a *app) *browser {
	t.Helper()
	path := chromium(t)
	ctx, cancel := chromedp.NewContext(context.Background(), chromedp.WithAllocatorOptions(chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("force-device-scale-factor", "1"), chromedp.WindowSize(1280, 800)))
	t.Cleanup(cancel)
	b := &browser{app: a, ctx: ctx}
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	// A timeout of the first context would be that of the browser.
	b.ctx, cancel = context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(cancel)
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatal(err)
	}
	for _, enable := range []func() error{
		func() error { _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); return err },
		func() error { _, err := chromedp.Call(ctx, runtime.Enable, struct{}{}); return err },
	} {
		if err := enable(); err != nil {
			t.Fatal(err)
		}
	}
	b.do(chromedp.EmulateViewport(1280, 800), chromedp.Navigate(a.url+"/"), chromedp.WaitVisible(chromedp.CSS("main form")))
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, p := range b.problems {
			t.Errorf("the browser's console: %s", p)
		}
		for _, u := range b.outside {
			t.Errorf("the page asks for %s", u)
		}
	})
	return b
}

func (b *browser) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" || e.Type == "assert" {
			text := string(e.Type)
			for _, a := range e.Args {
				text += fmt.Sprintf(" %s %s", a.Value, a.Description)
			}
			b.problems = append(b.problems, text)
		}
	case *runtime.EventExceptionThrown:
		b.problems = append(b.problems, fmt.Sprintf("%+v", e.ExceptionDetails))
	case *network.EventRequestWillBeSent:
		u, err := url.Parse(e.Request.URL)
		page, _ := url.Parse(b.url) // it was served
		if err != nil || u.Host != page.Host && u.Scheme != "data" && u.Scheme != "about" {
			b.outside = append(b.outside, e.Request.URL)
		}
	}
}

// do runs actions in the browser.
func (b *browser) do(actions ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.failed(err)
	}
}

// click clicks on the first element that is selected, when it is there.
func (b *browser) click(selector string) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 15*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS(selector))); err != nil {
		b.failed(fmt.Errorf("click on %s: %w", selector, err))
	}
}

func (b *browser) failed(err error) {
	b.Helper()
	text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.body.innerText")) // as far as there is one
	b.Fatalf("%v\nThe page says:\n%.3000s", err, text)
}

// sees waits until a selected element has the text.
func (b *browser) sees(selector, text string) {
	b.Helper()
	var last string
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(30 * time.Millisecond) {
		last = js[string](b, fmt.Sprintf(`[...document.querySelectorAll(%q)].map((e) => e.textContent).join("\n")`, selector))
		if strings.Contains(last, text) {
			return
		}
		if time.Now().After(deadline) {
			b.failed(fmt.Errorf("%s does not say %q, but %.500q", selector, text, last))
		}
	}
}

// js evaluates an expression.
func js[T any](b *browser, expression string) T {
	b.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.failed(fmt.Errorf("%s: %w", expression, err))
	}
	return v
}

// goTo shows a view by its link.
func (b *browser) goTo(view string) {
	b.Helper()
	b.click(`#nav a[data-view="` + view + `"]`)
	b.do(chromedp.WaitVisible(chromedp.CSS("main." + view + " > *")))
}

// press presses keys, one after the other, where the focus is.
func (b *browser) press(keys ...string) {
	b.Helper()
	for _, k := range keys {
		b.do(chromedp.KeyEvent(k))
	}
}

// look makes the window so large, with the system's theme dark or light.
func (b *browser) look(width, height int64, theme string) {
	b.Helper()
	b.do(chromedp.EmulateViewport(width, height))
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}}}
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, media); err != nil {
		b.failed(err)
	}
}

// shoot writes a screenshot, if they are asked for.
func (b *browser) shoot(name string, width, height int64, theme string) {
	b.Helper()
	if *screenshots == "" {
		return
	}
	b.look(width, height, theme)
	b.do(chromedp.Sleep(500 * time.Millisecond))
	shot, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.failed(err)
	}
	// Chromium compresses fast rather than well.
	picture, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		b.Fatal(err)
	}
	var small bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&small, picture); err != nil {
		b.Fatal(err)
	}
	if small.Len() > len(shot) {
		small = *bytes.NewBuffer(shot)
	}
	if err := os.WriteFile(filepath.Join(*screenshots, "console-"+theme+"-"+name+".png"), small.Bytes(), 0o644); err != nil {
		b.Fatal(err)
	}
}
