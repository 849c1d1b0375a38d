package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/cli"
	"github.com/tandemhub/tandem/systems"
)

// A visitor looks at the demo's console.
type visitor struct {
	*testing.T

	client *http.Client
	log    *buffer
}

// visit opens the demo in virtual time, and signs in by the terminal's link.
func visit(t *testing.T) *visitor {
	t.Helper()
	door := newEntrance()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	v := &visitor{T: t, log: &buffer{}, client: &http.Client{Transport: door.client, Jar: jar}}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Run(ctx, []string{"demo", "--serve", "--companies", "24"}, cli.Streams{
			In: strings.NewReader(""), Out: v.log, Err: v.log, Env: func(string) (string, bool) { return "", false },
			Listen: func(context.Context, string) (net.Listener, error) { return door, nil },
		}, systems.All())
	}()
	t.Cleanup(func() {
		cancel()
		if code := <-ended; code != 0 {
			t.Errorf("the demo ended with %d\n%s", code, v.log)
		}
	})
	time.Sleep(time.Minute)
	v.ask(http.MethodGet, v.link(), nil)
	return v
}

// link is the last one that the terminal has shown.
func (v *visitor) link() string {
	v.Helper()
	all := regexp.MustCompile(`/demo/enter\?token=\w+`).FindAllString(v.log.String(), -1)
	if len(all) == 0 {
		v.Fatalf("there is no link:\n%s", v.log)
	}
	return all[len(all)-1]
}

func (v *visitor) ask(method, path string, form url.Values) (int, string) {
	v.Helper()
	r, err := http.NewRequestWithContext(v.Context(), method, "http://127.0.0.1:8420"+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := v.client.Do(r)
	if err != nil {
		v.Fatalf("%s %s: %v", method, path, err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		v.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// press presses the button of a form on the demo's page.
func (v *visitor) press(action string) string {
	v.Helper()
	_, page := v.ask(http.MethodGet, "/demo", nil)
	form := regexp.MustCompile(`name="form" value="([^"]+)"`).FindStringSubmatch(page)
	if form == nil {
		v.Fatalf("there is no form on\n%s", page)
	}
	status, page := v.ask(http.MethodPost, action, url.Values{"form": {form[1]}})
	if status != http.StatusOK {
		v.Fatalf("%s: %d\n%s", action, status, page)
	}
	return page
}

// number reads a number of the page behind a label.
func (v *visitor) number(page, label string) int {
	v.Helper()
	found := regexp.MustCompile(label + `</p><p class="value">([\d,]+)<`).FindStringSubmatch(page)
	if found == nil {
		v.Fatalf("no %s on\n%s", label, page)
	}
	n, err := strconv.Atoi(strings.ReplaceAll(found[1], ",", ""))
	if err != nil {
		v.Fatal(err)
	}
	return n
}

// heals waits until both systems hold the same again.
func (v *visitor) heals(what string) {
	v.Helper()
	for range 240 {
		_, page := v.ask(http.MethodGet, "/demo", nil)
		if v.number(page, "Values that differ now") == 0 && !strings.Contains(page, "Broken now") {
			if n := v.number(page, "Pairs of records"); n != 24+73 {
				v.Errorf("%s: %d pairs", what, n)
			}
			return
		}
		time.Sleep(time.Second)
	}
	v.Errorf("%s: it has not healed within 4 minutes\n%s", what, v.log)
}

// Whatever a visitor breaks heals by itself, while people go on working, and nothing is doubled.
func TestTheDemoHealsFromWhateverIsBroken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := visit(t)
		v.heals("to begin with")
		for trouble, strikes := range map[string]int{"storm": 2, "token": 1, "hooks": 1, "kill": 1} {
			if page := v.press("/demo/" + trouble + "/break"); !strings.Contains(page, "It is broken now.") {
				t.Errorf("%s: %s", trouble, page)
			}
			time.Sleep(50 * time.Second)
			_, page := v.ask(http.MethodGet, "/demo", nil)
			_, part, _ := strings.Cut(page, `id="demo-`+trouble+`"`)
			hits := regexp.MustCompile(`(\d+) times? so far`).FindStringSubmatch(part)
			if n, err := strconv.Atoi(hits[1]); err != nil || n < strikes {
				t.Errorf("%s has struck %s times", trouble, hits[1])
			}
			v.heals(trouble)
		}
		v.press("/demo/storm/break")
		if page := v.press("/demo/storm/mend"); strings.Contains(page, "Broken now") {
			t.Error("what is mended is broken")
		}
		if status, _ := v.ask(http.MethodPost, "/demo/no-such/break", url.Values{}); status != http.StatusForbidden {
			t.Errorf("a form without its token: %d", status)
		}
		used := regexp.MustCompile(`/demo/enter\?token=\w+`).FindString(v.log.String())
		if status, _ := v.ask(http.MethodGet, used, nil); status != http.StatusUnprocessableEntity {
			t.Errorf("the link is good twice: %d", status)
		}
		if another := v.link(); another == used {
			t.Error("no other link was shown for another browser")
		}
	})
}
