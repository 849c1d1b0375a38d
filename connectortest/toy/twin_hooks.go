package toy

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/tandemhub/tandem/twin"
)

// twinHookFor is how long the vendor remembers whom to call.
const twinHookFor = 7 * 24 * time.Hour

type twinHook struct {
	ID     string   `json:"id"`
	URL    string   `json:"url"`
	Tables []string `json:"tables"`
	Until  int64    `json:"until"`
	news   []twinNews
}

// twinNews is one row of which a subscriber is to be told.
type twinNews struct {
	Table string `json:"table"`
	ID    string `json:"id"`
}

// twinLate is what a person has written and what does not show yet.
type twinLate struct {
	at    time.Time
	apply func()
}

// Early makes the vendor tell of what people write at once, and show it only so much later:
// it calls before it commits. 0 ends that.
func (a *Twin) Early(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.early = d
}

// commit shows what was written so long ago that it is to show by now.
func (a *Twin) commit() {
	now := time.Now()
	for len(a.late) > 0 && !a.late[0].at.After(now) {
		a.late[0].apply()
		a.late = a.late[1:]
	}
}

// Deaf makes the vendor call nobody: what happens is not remembered either.
func (a *Twin) Deaf(deaf bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.deaf = deaf
}

// Forget makes the vendor forget whom it is to call.
func (a *Twin) Forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.hooks = nil
}

// Hooks returns the addresses that are called now, sorted.
func (a *Twin) Hooks() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var urls []string
	for _, h := range a.liveHooks() {
		urls = append(urls, h.URL)
	}
	slices.Sort(urls)
	return urls
}

func (a *Twin) liveHooks() []*twinHook {
	now := a.Now().UnixMilli()
	a.hooks = slices.DeleteFunc(a.hooks, func(h *twinHook) bool { return h.Until <= now })
	return a.hooks
}

// tell remembers a row for those who want to know of its table.
func (a *Twin) tell(table, id string) {
	if a.deaf {
		return
	}
	for _, h := range a.liveHooks() {
		if slices.Contains(h.Tables, table) {
			h.news = append(h.news, twinNews{table, id})
		}
	}
}

// A twinPost is one request of the vendor.
type twinPost struct {
	hook *twinHook
	news twinNews
	body []byte
}

// Deliver sends each row in a request of its own.
func (a *Twin) Deliver(ctx context.Context, through http.RoundTripper, f twin.HookFaults) ([]int, error) {
	posts, err := a.posts(f)
	if err != nil || f.Lost {
		return nil, err
	}
	var statuses []int
	for _, p := range posts {
		status, _, err := a.call(ctx, through, http.MethodPost, p.hook.URL, p.body, f.Forged)
		if err != nil {
			return statuses, err
		}
		statuses = append(statuses, status)
		if status/100 != 2 {
			a.mu.Lock()
			p.hook.news = append(p.hook.news, p.news)
			a.mu.Unlock()
		}
	}
	return statuses, nil
}

func (a *Twin) posts(f twin.HookFaults) ([]twinPost, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var posts []twinPost
	for _, h := range a.liveHooks() {
		for _, n := range h.news {
			body, err := json.Marshal(map[string]any{"rows": []twinNews{n}})
			if err != nil {
				return nil, fmt.Errorf("encode the notification: %w", err)
			}
			posts = append(posts, twinPost{h, n, body})
			if f.Twice {
				posts = append(posts, twinPost{h, n, body})
			}
		}
		h.news = nil
	}
	if f.Backwards {
		slices.Reverse(posts)
	}
	return posts, nil
}

// Drop tells everybody that notifications were dropped.
func (a *Twin) Drop(ctx context.Context, through http.RoundTripper) error {
	for _, hook := range a.Hooks() {
		if _, _, err := a.call(ctx, through, http.MethodPost, hook, []byte(`{"dropped":true}`), false); err != nil {
			return err
		}
	}
	return nil
}

// Ring asks an address what to do with a call, and returns its answer.
func (a *Twin) Ring(ctx context.Context, through http.RoundTripper, hook, from, to string) (string, error) {
	body, err := json.Marshal(map[string]any{"call": map[string]any{"id": "call-1", "from": from, "to": to, "at": a.Now().UnixMilli()}})
	if err != nil {
		return "", fmt.Errorf("encode the call: %w", err)
	}
	status, answer, err := a.call(ctx, through, http.MethodPost, hook+"/call", body, false)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("the call was answered with %d", status)
	}
	return answer, err
}

// Challenge makes sure that an address is served by somebody who knows the key.
func (a *Twin) Challenge(ctx context.Context, through http.RoundTripper, hook string) error {
	_, answer, err := a.call(ctx, through, http.MethodGet, hook+"?challenge=abc%20123", nil, false)
	if err == nil && answer != "abc 123" {
		err = errors.New("the challenge was not met")
	}
	return err
}

// call sends one signed request.
func (a *Twin) call(ctx context.Context, through http.RoundTripper, method, address string, body []byte, forged bool) (int, string, error) {
	key := twinKey
	if forged {
		key = "another"
	}
	stamp := strconv.FormatInt(a.Now().UnixMilli(), 10)
	mac := hmac.New(sha256.New, []byte(key))
	_, _ = mac.Write([]byte(method + "\n" + address + "\n" + stamp + "\n" + string(body))) // a hash takes all
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return 0, "", fmt.Errorf("call %s: %w", method, err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Toy-Time", stamp)
	req.Header.Set("X-Toy-Signature", hex.EncodeToString(mac.Sum(nil)))
	res, err := through.RoundTrip(req)
	if err != nil {
		return 0, "", fmt.Errorf("call: %w", err)
	}
	defer func() { _ = res.Body.Close() }() // all of it was read, or the error tells
	answer, err := io.ReadAll(res.Body)
	return res.StatusCode, string(answer), err
}

func (a *Twin) serveHooks(w http.ResponseWriter, r *http.Request) {
	a.query(r)
	twinAnswer(w, map[string]any{"hooks": append([]*twinHook{}, a.liveHooks()...)})
}

func (a *Twin) serveMakeHook(w http.ResponseWriter, r *http.Request) {
	var in struct {
		URL    string
		Tables []string
	}
	a.query(r)
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		a.Unknown(r, "body: "+err.Error())
	}
	u, err := url.Parse(in.URL)
	if err != nil || u.Scheme != "https" || len(in.Tables) == 0 {
		twinRefuse(w, http.StatusUnprocessableEntity, twinRefusal{Code: "invalid", Key: "url", Text: "This cannot be called"})
		return
	}
	a.lastID++
	h := &twinHook{ID: "h" + strconv.FormatInt(a.lastID, 10), URL: in.URL, Tables: in.Tables, Until: a.Now().Add(twinHookFor).UnixMilli()}
	a.hooks = append(a.hooks, h)
	twinAnswer(w, h)
}

func (a *Twin) serveDropHook(w http.ResponseWriter, r *http.Request) {
	id := a.query(r, "id").Get("id")
	n := len(a.hooks)
	if a.hooks = slices.DeleteFunc(a.hooks, func(h *twinHook) bool { return h.ID == id }); len(a.hooks) == n {
		twinRefuse(w, http.StatusNotFound, twinRefusal{Code: "unknown", Text: "There is no such hook"})
		return
	}
	twinAnswer(w, map[string]any{})
}

var _ twin.Notifier = (*Twin)(nil)
