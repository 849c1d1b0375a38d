package main

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/tandemhub/tandem/internal/console"
)

// A chrome is a real browser, Debian's chromium. Each tab that it opens has cookies of its own.
type chrome struct {
	ctx context.Context

	mu   sync.Mutex
	seen map[string]bool // rows of the console's table, of which a page was inspected
	rows *http.ServeMux
}

// note notes that a page of a row was looked at.
func (c *chrome) note(pattern string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[pattern] = true
}

func (c *chrome) inspected(pattern string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen[pattern]
}

// unless skips a test aloud where something is missing; with CI=true it fails.
func unless(t *testing.T, there bool, missing string) {
	t.Helper()
	switch {
	case there:
	case os.Getenv("CI") == "true":
		t.Fatalf("%s; with CI=true that is a failure", missing)
	default:
		t.Skipf("SKIPPED: %s", missing)
	}
}

func newChrome(t *testing.T) *chrome {
	t.Helper()
	var program string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil && program == "" {
			program = path
		}
	}
	unless(t, program != "", "there is no browser: install the package chromium")
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.Flag("accept-lang", "en"), chromedp.Flag("disable-dev-shm-usage", true))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox) // which it does not take from root
	}
	ctx, kill := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(kill)
	ctx, end := chromedp.NewContext(ctx, chromedp.WithErrorf(func(string, ...any) {})) // events that this protocol's version does not know
	t.Cleanup(end)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", program, err)
	}
	c := &chrome{ctx: ctx, seen: map[string]bool{}, rows: http.NewServeMux()}
	for _, p := range console.Pages() {
		c.rows.Handle(p.Pattern, http.NotFoundHandler())
	}
	return c
}

// A tab is one window with cookies of its own. Whatever a page complains about is noted: what it
// writes to the console, what it throws, and what the Content-Security-Policy refuses.
type tab struct {
	testing.TB

	chrome *chrome
	ctx    context.Context
	base   string

	mu    sync.Mutex
	wrong []string
}

// tab opens a window on the installation at an address.
func (c *chrome) tab(t testing.TB, base string) *tab {
	t.Helper()
	ctx, end := chromedp.NewContext(c.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(end)
	w := &tab{TB: t, chrome: c, ctx: ctx, base: base}
	said := chromedp.Console(ctx)
	go w.hear(said)
	w.wear(allLooks()[0])
	return w
}

func (w *tab) hear(said iter.Seq2[chromedp.ConsoleMessage, error]) {
	for m, err := range said {
		if err != nil {
			return // it is closed
		}
		switch m.Type {
		case chromedp.ConsoleError, chromedp.ConsoleWarning, chromedp.ConsoleException:
			w.mu.Lock()
			w.wrong = append(w.wrong, fmt.Sprintf("%s %s %s %s", m.Type, m.Source, m.Text, m.URL))
			w.mu.Unlock()
		}
	}
}

// complaints returns what was noted since it was last asked.
func (w *tab) complaints() []string {
	w.Helper()
	var here bool
	w.script("true", &here) // what was complained about before has arrived with this
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.wrong
	w.wrong = nil
	return all
}

// quiet wants no complaint, but for those that are about an answer with this status.
func (w *tab) quiet(but ...int) {
	w.Helper()
	for _, text := range w.complaints() {
		expected := strings.Contains(text, w.base+"/live") // whether what is live works is for others to test
		for _, status := range but {
			expected = expected || strings.Contains(text, fmt.Sprintf("responded with a status of %d", status))
		}
		if !expected {
			w.Errorf("%s complains: %s", w.where(), text)
		}
	}
}

// soon is the time that one step may take, on a machine that has much else to do.
const soon = time.Minute

func (w *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, soon)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		w.Fatalf("%v at %s", err, w.where())
	}
}

// load follows actions that lead to another page, and returns its status.
func (w *tab) load(steps ...chromedp.Action[chromedp.Void]) int64 {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, soon)
	defer cancel()
	answer, err := chromedp.RunResponse(ctx, steps...)
	if err != nil {
		w.Fatalf("load: %v, at %s", err, w.where())
	}
	return answer.Status
}

// to goes to an address of the installation.
func (w *tab) to(address string) int64 {
	w.Helper()
	if !strings.Contains(address, "://") {
		address = w.base + address
	}
	return w.load(chromedp.Navigate(address))
}

// press clicks what leads to another page.
func (w *tab) press(selector string) int64 {
	w.Helper()
	return w.load(chromedp.Click(chromedp.CSS(selector)))
}

// enter types into fields: selector, text, selector, text …
func (w *tab) enter(pairs ...string) {
	w.Helper()
	for i := 0; i+1 < len(pairs); i += 2 {
		w.script(fmt.Sprintf(`document.querySelector(%q).value = ""`, pairs[i]), nil)
		w.do(chromedp.SendKeys(chromedp.CSS(pairs[i]), pairs[i+1]))
	}
}

// where is the address that is shown, without the installation's.
func (w *tab) where() string {
	ctx, cancel := context.WithTimeout(w.ctx, soon)
	defer cancel()
	at, err := chromedp.Run(ctx, chromedp.Location())
	if err != nil {
		return err.Error()
	}
	return strings.TrimPrefix(at, w.base)
}

// script evaluates an expression in the page, and waits for what it promises.
func (w *tab) script(expression string, into any) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, soon)
	defer cancel()
	text, err := w.evaluate(ctx, expression)
	for range 3 { // a page that waits for something loads itself again, maybe now
		if err == nil || ctx.Err() != nil {
			break
		}
		time.Sleep(200 * time.Millisecond)
		text, err = w.evaluate(ctx, expression)
	}
	if err == nil && into != nil {
		err = json.Unmarshal([]byte(text), into)
	}
	if err != nil {
		w.Fatalf("evaluate in %s: %v", w.where(), err)
	}
}

func (w *tab) evaluate(ctx context.Context, expression string) (string, error) {
	return chromedp.Run(ctx, chromedp.Evaluate[string]("Promise.resolve("+expression+").then(x => JSON.stringify(x ?? null))", chromedp.EvalAwaitPromise))
}

// reads wants texts in what people see of the page.
func (w *tab) reads(texts ...string) {
	w.Helper()
	var seen string
	w.script(`document.body.innerText`, &seen)
	for _, text := range texts {
		if !strings.Contains(seen, text) {
			w.Errorf("%s does not show %q:\n%s", w.where(), text, seen)
		}
	}
}

// A looks is one way in which a page is looked at.
type looks struct {
	theme string
	width int64
}

// allLooks are the two themes on a desk and on a phone.
func allLooks() []looks {
	return []looks{{"light", 1280}, {"dark", 1280}, {"light", 390}, {"dark", 390}}
}

// look are a system's settings. Nothing moves: colours are measured when they have arrived.
func look(theme string) []*emulation.MediaFeature {
	return []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}, {Name: "prefers-reduced-motion", Value: "reduce"}}
}

func (w *tab) wear(x looks) {
	w.Helper()
	w.do(chromedp.EmulateViewport(x.width, 900), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: look(x.theme)})
		return err
	}))
}

// screenshot keeps a picture of the whole page in the folder TANDEM_SCREENSHOTS, if there is one.
func (w *tab) screenshot(name string, x looks) {
	w.Helper()
	folder := os.Getenv("TANDEM_SCREENSHOTS")
	if folder == "" {
		return
	}
	const tallest = 6000 // of a picture that can still be looked at
	var tall float64
	w.script(`document.documentElement.scrollHeight`, &tall)
	var picture []byte
	w.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		all := true
		got, err := cdp.Call(ctx, t, page.CaptureScreenshot, page.CaptureScreenshotParams{
			CaptureBeyondViewport: &all, Clip: &page.Viewport{Width: float64(x.width), Height: min(tall, tallest), Scale: 1},
		})
		picture = got.Data
		return err
	}))
	if err := os.MkdirAll(folder, 0o755); err != nil {
		w.Fatal(err)
	}
	plain := strings.Trim(regexp.MustCompile(`[^A-Za-z0-9]+`).ReplaceAllString(name, "-"), "-")
	if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%s-%s-%d.png", plain, x.theme, x.width)), picture, 0o600); err != nil {
		w.Fatal(err)
	}
}

// narrowest is the width at which nobody has to scroll in two directions:
// https://www.w3.org/WAI/WCAG22/Understanding/reflow.html
const narrowest = 320

// inspect looks at the page that is shown in all looks: it fits, nothing is in the way of anybody,
// and there is a picture of it. For who needs help, two looks say all that there is to say: each
// theme is in one of them, and each width.
func (w *tab) inspect(a *axe, name string) {
	w.Helper()
	w.chrome.note(w.pattern(w.where()))
	for i, x := range allLooks() {
		w.wear(x)
		w.fits(name, x.width)
		if i == 0 || i == len(allLooks())-1 {
			a.check(w, fmt.Sprintf("%s (%s, %d)", name, x.theme, x.width))
		}
		w.screenshot(name, x)
	}
	w.wear(looks{"light", narrowest})
	w.fits(name, narrowest)
	w.wear(allLooks()[0])
}

func (w *tab) fits(name string, width int64) {
	w.Helper()
	var wide int64
	w.script(`document.documentElement.scrollWidth`, &wide)
	if wide > width {
		var who string
		w.script(fmt.Sprintf(`[...document.querySelectorAll("main *")].filter(e => e.getBoundingClientRect().right > %d).slice(0, 3).map(e => e.outerHTML.slice(0, 120)).join("\n")`, width), &who)
		w.Errorf("%s is %d wide on %d:\n%s", name, wide, width, who)
	}
}
