package main

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// key presses keys, wherever the focus is.
func (w *tab) key(keys string) {
	w.Helper()
	w.do(typing(keys))
}

// typing presses keys as a keyboard does: what a page keeps from being typed is not typed.
func typing(keys string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		for _, r := range keys {
			events, text := kb.Encode(r), ""
			for _, e := range events {
				if e.Type == kb.KeyChar {
					text = e.Text
				}
			}
			for _, e := range events {
				switch e.Type {
				case kb.KeyChar:
					continue
				case kb.KeyDown, kb.KeyRawDown:
					e.Type, e.Text = kb.KeyDown, text
				}
				if _, err := cdp.Call(ctx, t, input.DispatchKeyEvent, *e); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// keyTo presses keys that lead to another page.
func (w *tab) keyTo(keys string) int64 {
	w.Helper()
	return w.load(typing(keys))
}

// tabTo presses Tab until what has the focus is what a selector finds. Whatever has it on the way is
// seen to have it.
func (w *tab) tabTo(selector string) {
	w.Helper()
	for range 60 {
		w.key(kb.Tab)
		w.focused()
		var there bool
		if w.script(`document.activeElement.matches(`+strconv.Quote(selector)+`)`, &there); there {
			return
		}
	}
	w.Fatalf("Tab does not lead to %s at %s", selector, w.where())
}

// focused wants it to be seen what has the focus: it is in sight, and has a ring.
func (w *tab) focused() {
	w.Helper()
	var wrong string
	w.script(`(() => {
		const on = document.activeElement, box = on.getBoundingClientRect(), style = getComputedStyle(on);
		if (on === document.body) return "";
		if (!on.matches(":focus-visible")) return "focus is not shown on " + on.outerHTML.slice(0, 200);
		if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) return "no ring around " + on.outerHTML.slice(0, 200);
		if (box.bottom <= 0 || box.top >= innerHeight || box.right <= 0 || box.left >= innerWidth) return "out of sight: " + on.outerHTML.slice(0, 200);
		return "";
	})()`, &wrong)
	if wrong != "" {
		w.Errorf("%s: %s", w.where(), wrong)
	}
}

// keysAlone decides what is asked without a mouse.
func keysAlone(t *testing.T, c *chrome, _ *axe) {
	s := serving(t, nil, askingYAML, "serve")
	w := c.tab(t, s.base)
	s.disputed(w, "first@example.gr", "second@example.gr")
	w.to("/review")
	w.key(kb.Tab)
	w.focused()
	w.is(`document.activeElement.matches("a.skip")`, "the first that has the focus is the link to the content")
	w.key(kb.Enter)
	w.is(`location.hash === "#main"`, "the link leads to the content")
	w.key(kb.Tab)
	w.is(`document.activeElement.closest("main") !== null`, "the next is in the content")

	w.key("?")
	w.is(`document.querySelector("dialog#keys").open`, "? tells the keys")
	w.key(kb.Escape)
	w.is(`!document.querySelector("dialog#keys").open`, "Escape closes it")

	w.key("j")
	w.focused()
	w.is(`document.activeElement.matches("[data-row].at a[data-open]")`, "j goes to the first item")
	w.keyTo(kb.Enter)
	if !strings.HasPrefix(w.where(), "/review/") {
		t.Fatalf("Enter leads to %s", w.where())
	}
	first := w.where()
	w.key("1")
	w.is(`document.querySelectorAll('input[value="left"]:checked').length === 1`, "1 chooses the left one")
	w.focused()
	w.keyTo("u")
	if w.where() != "/review" {
		t.Errorf("u leads to %s", w.where())
	}
	w.key("j")
	w.keyTo(kb.Enter)
	if w.where() != first {
		t.Fatalf("the first item is %s, and was %s", w.where(), first)
	}
	w.key("1") // the field that was opened
	w.key("j")
	w.key("2")
	w.is(`document.querySelectorAll("fieldset[data-row] input:checked").length === 2`, "both fields are chosen")
	var choice map[string]string
	w.script(`Object.fromEntries([...document.querySelectorAll("fieldset[data-row]")].map(x => [x.querySelector("h2").innerText, x.querySelector("input:checked").value]))`, &choice)
	w.keyTo(kb.Enter)
	w.key("2")
	w.keyTo(kb.Enter)
	w.reads("Nothing waits")
	w.to("/")
	w.tabTo(`form[action="/syncs/run"] button`)
	w.keyTo(kb.Enter)
	phone, job := "+302101111111", "butcher"
	for name, side := range choice {
		switch {
		case side == "left":
		case strings.Contains(strings.ToLower(name), "phone"):
			phone = "+302102222222"
		default:
			job = "brewer"
		}
	}
	s.holds("first@example.gr", phone, job)
	s.holds("second@example.gr", "+302102222222", "baker")

	w.wear(looks{"light", 390})
	w.to("/")
	w.tabTo(".places summary")
	w.key(kb.Enter)
	w.is(`document.querySelector(".places details").open`, "Enter opens the menu")
	w.tabTo(`.places a[href="/syncs"]`)
	w.key(kb.Escape)
	w.is(`!document.querySelector(".places details").open`, "Escape closes the menu")
	w.is(`document.activeElement.matches(".places summary")`, "the focus is where the menu was opened")
	w.quiet()
}

// is wants an expression to be true.
func (w *tab) is(expression, what string) {
	w.Helper()
	var is bool
	if w.script(expression, &is); !is {
		var on string
		w.script(`document.activeElement.outerHTML.slice(0, 200)`, &on)
		w.Errorf("%s: it is not so that %s; the focus is on %s", w.where(), what, on)
	}
}
