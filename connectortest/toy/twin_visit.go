package toy

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/tandemhub/tandem/twin"
)

type twinBring struct {
	After string           `json:"after"`
	Upto  string           `json:"upto"`
	More  bool             `json:"more"`
	Rows  []map[string]any `json:"rows"`
}

type twinJobs struct {
	Jobs []struct {
		Key  string         `json:"key"`
		Verb string         `json:"verb"`
		ID   string         `json:"id"`
		Row  map[string]any `json:"row"`
	} `json:"jobs"`
}

// twinDo is what became of a job.
type twinDo struct {
	Job string `json:"job"`
	ID  string `json:"id"`
	Rev int64  `json:"rev"`
	*twinRefusal
}

// errGone ends a visit that a fault cuts short.
var errGone = errors.New("the visitor has gone")

// A twinTrip is one visit on its way.
type twinTrip struct {
	a        *HostTwin
	through  http.RoundTripper
	address  string
	f        twin.VisitFaults
	sent     int
	statuses []int
}

// Visit says hello, brings what moved, fetches jobs, does them and says so.
func (a *HostTwin) Visit(ctx context.Context, through http.RoundTripper, address string, f twin.VisitFaults) ([]int, error) {
	t := &twinTrip{a: a, through: through, address: address, f: f}
	err := t.visit(ctx)
	if errors.Is(err, errGone) {
		err = nil
	}
	return t.statuses, err
}

func (t *twinTrip) visit(ctx context.Context) error {
	t.a.mu.Lock()
	account := t.a.account
	t.a.mu.Unlock()
	var hello struct {
		After string `json:"after"`
	}
	if err := t.call(ctx, "hello", map[string]string{"account": account, "name": "The stock"}, &hello); err != nil {
		return err
	}
	if hello.After == "" {
		t.a.startOver()
	}
	for more := true; more; {
		var err error
		if more, err = t.bring(ctx); err != nil {
			return err
		}
	}
	for {
		var jobs twinJobs
		if err := t.call(ctx, "fetch", map[string]int{"n": twinVisitJobs}, &jobs); err != nil || len(jobs.Jobs) == 0 {
			return err
		}
		done := t.a.carryOut(jobs)
		if t.f.Unsaid {
			return errGone
		}
		if err := t.call(ctx, "done", map[string]any{"done": done}, nil); err != nil {
			return err
		}
	}
}

func (a *HostTwin) startOver() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.mark, a.held = "", nil
}

// bring sends one message; one that nobody has answered is sent again as it was.
func (t *twinTrip) bring(ctx context.Context) (bool, error) {
	b := t.a.message()
	if b == nil {
		return false, nil
	}
	err := t.call(ctx, "bring", b, nil)
	if err == nil {
		t.a.taken(b)
		return b.More, nil
	}
	if n := len(t.statuses); n > 0 && t.statuses[n-1] == http.StatusConflict && !errors.Is(err, errGone) {
		t.a.startOver()
		return true, nil
	}
	return false, err
}

func (a *HostTwin) message() *twinBring {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.held != nil {
		return a.held
	}
	after := int64(twinNumber(a.mark))
	var moved []*twinItem
	for _, r := range slices.SortedFunc(maps.Values(a.rows), func(x, y *twinItem) int { return cmp.Compare(x.seq, y.seq) }) {
		if r.seq > after && (a.mark != "" || !r.gone) {
			moved = append(moved, r)
		}
	}
	if len(moved) == 0 && a.mark != "" {
		return nil
	}
	b := &twinBring{After: a.mark, More: len(moved) > a.page, Upto: strconv.FormatInt(a.seq, 10), Rows: []map[string]any{}}
	if b.More {
		moved = moved[:a.page]
		b.Upto = strconv.FormatInt(moved[a.page-1].seq, 10)
	}
	for _, r := range moved {
		b.Rows = append(b.Rows, r.event())
	}
	a.held = b
	return b
}

func (r *twinItem) event() map[string]any {
	e := map[string]any{"id": r.id, "rev": r.rev, "made": r.made.UnixMilli(), "moved": r.moved.UnixMilli()}
	if r.gone {
		e["gone"] = "purged"
		return e
	}
	row := map[string]any{"name": nil, "code": nil, "weight": nil, "tandem_key": nil}
	for key, text := range r.cells {
		row[key] = text
		if key == "weight" {
			row[key] = json.Number(text)
		}
	}
	e["row"] = row
	return e
}

func (a *HostTwin) taken(b *twinBring) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.mark, a.held = b.Upto, nil
}

// carryOut does jobs; one that it has done it does not do again.
func (a *HostTwin) carryOut(jobs twinJobs) []twinDo {
	a.mu.Lock()
	defer a.mu.Unlock()
	done := []twinDo{}
	for _, j := range jobs.Jobs {
		o, did := a.did[j.Key]
		if !did {
			o = a.job(j.Key, j.Verb, j.ID, j.Row)
			a.did[j.Key] = o
		}
		done = append(done, o)
	}
	return done
}

func (a *HostTwin) job(key, verb, id string, row map[string]any) twinDo {
	if verb == "delete" {
		return twinDo{Job: key, ID: id, twinRefusal: a.remove("api", id)}
	}
	cells := map[string]string{}
	for name, v := range row {
		cells[name] = ""
		if v != nil {
			cells[name] = fmt.Sprint(v)
		}
	}
	if verb == "create" {
		cells["tandem_key"] = key
	}
	r, refusal := a.write("api", verb, id, cells)
	if refusal != nil {
		return twinDo{Job: key, ID: id, twinRefusal: refusal}
	}
	return twinDo{Job: key, ID: r.id, Rev: r.rev}
}

// call sends one request. Its error ends the visit.
func (t *twinTrip) call(ctx context.Context, what string, question, answer any) error {
	t.sent++
	if t.sent == t.f.Broken {
		return errGone
	}
	body, err := json.Marshal(question)
	if err != nil {
		return err
	}
	body = append(body, strings.Repeat(" ", t.f.Padding)...)
	for range 2 {
		status, got, err := t.post(ctx, what, body)
		if err != nil {
			return err
		}
		t.statuses = append(t.statuses, status)
		if t.sent == t.f.Lost || status != http.StatusOK && status != http.StatusConflict {
			return errGone
		}
		if status == http.StatusConflict {
			return fmt.Errorf("%s: %s", what, got)
		}
		if answer != nil {
			if err := json.Unmarshal(got, answer); err != nil {
				return fmt.Errorf("%s: %w", what, err)
			}
		}
		if !t.f.Twice {
			break
		}
	}
	return nil
}

func (t *twinTrip) post(ctx context.Context, what string, body []byte) (int, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.address+"/"+what, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("X-Toy-Visitor", twinPassword)
	if t.f.Forged {
		r.Header.Set("X-Toy-Visitor", "let me in")
	}
	res, err := t.through.RoundTrip(r)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	got, err := io.ReadAll(res.Body)
	return res.StatusCode, got, err
}

var _ twin.Visitor = (*HostTwin)(nil)
