package dolibarrtwin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// A hook is a target of webhooks.
type hook struct {
	url      string
	client   *http.Client
	blocking bool
}

// A post is one call of the targets.
type post struct {
	code string
	body []byte
}

// hookTimeout is how long Dolibarr waits for a target.
const hookTimeout = 30 * time.Second

// Hook adds a target that is told of every trigger. Dolibarr calls it within the
// transaction and waits: what it tells can be read only when all targets have answered.
// A save that a blocking target does not answer with a success is rolled back; in version
// 20 every target blocks. A nil client is a plain one. No call outlives the save that
// makes it.
func (t *Twin) Hook(url string, client *http.Client, blocking bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if client == nil {
		client = &http.Client{}
	}
	t.hooks = append(t.hooks, hook{url: url, client: client, blocking: blocking || t.version == 20})
}

// Unhook removes all targets.
func (t *Twin) Unhook() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.hooks = nil
}

// deliver tells every target of every trigger, one after the other. A failure keeps
// nobody from being told (recorded), and nothing is ever told again.
func deliver(ctx context.Context, hooks []hook, posts []post) error {
	var failures []error
	for _, p := range posts {
		for _, h := range hooks {
			if err := h.tell(ctx, p); err != nil && h.blocking {
				failures = append(failures, err)
			}
		}
	}
	return errors.Join(failures...)
}

// tell makes one call. The caller of the save does not cut it short.
func (h hook) tell(ctx context.Context, p post) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), hookTimeout)
	defer cancel()
	failed := func(status int) error {
		return fmt.Errorf("The WebHook for triggercode %s failed to do the GET URL %s with httpcode=%d curl_error_no=", p.code, h.url, status) //nolint:staticcheck // the vendor's words
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(p.body))
	if err != nil {
		return failed(0)
	}
	r.Header.Set("User-Agent", "Dolibarr geturl function")
	r.Header.Set("Accept", "*/*")
	r.Header.Set("Content-Type", "application/json")
	res, err := h.client.Do(r)
	if err != nil {
		return failed(0)
	}
	_, err = io.Copy(io.Discard, res.Body)
	if closing := res.Body.Close(); err != nil || closing != nil || res.StatusCode/100 != 2 {
		return failed(res.StatusCode)
	}
	return nil
}

// post renders what a trigger tells: the code and a dump of the object as it will be. Of
// what is validated it is the object as it was, with the new number beside it.
func (t *Twin) post(c firing, will *row) post {
	shown := will
	validated := strings.HasSuffix(c.code, "_VALIDATE") && c.tab.line != ""
	if validated {
		shown = c.row
	}
	d := json.NewDecoder(bytes.NewReader(t.render(nil, c.tab.shape.single, shown)))
	d.UseNumber()
	object := map[string]any{}
	if err := d.Decode(&object); err != nil {
		object = map[string]any{"error": err.Error()}
	}
	if validated {
		object["newref"] = will.cells[c.tab.byKey["ref"]]
	}
	object["element"], object["table_element"] = c.tab.kind, strings.TrimPrefix(c.tab.db, "llx_")
	t.identify(c, shown, object)
	for key, v := range object {
		if v == nil && t.version == 20 {
			delete(object, key) // leaves out what is empty
		}
	}
	return post{c.code, quoted(map[string]any{"triggercode": c.code, "object": object})}
}

// identify writes the ids as they were recorded: as numbers where the object was just
// made or worked on by its id, as texts where it was read from the database.
func (t *Twin) identify(c firing, r *row, object map[string]any) {
	switch {
	case c.tab.name == events, strings.HasSuffix(c.code, "_CREATE"), (c.tab.name == thirdParties || c.tab.name == contacts) && !strings.HasSuffix(c.code, "_DELETE"):
		object["id"] = r.id
	}
	if strings.HasSuffix(c.code, "_CREATE") && (c.tab.name == thirdParties || c.tab.name == contacts) {
		object["ref"] = nil
	}
	if c.tab.name == thirdParties && !strings.HasSuffix(c.code, "_DELETE") {
		object["socid"] = r.id
	}
}
