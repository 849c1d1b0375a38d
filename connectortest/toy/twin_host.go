package toy

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tandemhub/tandem/twin"
)

const (
	twinVisitPage = 20 // items of one request
	twinVisitJobs = 5
	twinPassword  = "visitor-7c2e"
)

// A HostTwin is one simulated stock book, which answers nobody and visits.
type HostTwin struct {
	*kit
	page    int
	account string

	mu     sync.Mutex
	seq    int64
	lastID int
	rows   map[string]*twinItem
	mark   string            // how far what it brought was taken
	held   *twinBring        // what it sent and was not told about
	did    map[string]twinDo // outcomes of jobs by their key
}

type twinItem struct {
	id          string
	seq, rev    int64
	made, moved time.Time
	gone        bool
	cells       map[string]string
}

// NewHost returns a stock book without items.
func NewHost(o twin.Options) twin.Twin {
	page := twinVisitPage
	if o.PageSize > 0 {
		page = min(page, o.PageSize)
	}
	return &HostTwin{kit: twin.NewKit(o), page: page, account: "S-4", rows: map[string]*twinItem{}, did: map[string]twinDo{}}
}

// ServeHTTP answers nobody.
func (a *HostTwin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.Unknown(r, "a stock book cannot be called")
		w.WriteHeader(http.StatusNotFound)
	})).ServeHTTP(w, r)
}

// Settings returns the password that the visitor gives.
func (a *HostTwin) Settings() map[string]string { return map[string]string{"password": twinPassword} }

// Objects returns the only table.
func (a *HostTwin) Objects() []string { return []string{"items"} }

// Rows returns the items that are there.
func (a *HostTwin) Rows(object string) []twin.Row {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []twin.Row
	if object != "items" {
		return nil
	}
	for _, r := range slices.SortedFunc(maps.Values(a.rows), func(x, y *twinItem) int { return cmp.Compare(twinNumber(x.id), twinNumber(y.id)) }) {
		if !r.gone {
			out = append(out, twin.Row{ID: r.id, Fields: maps.Clone(r.cells)})
		}
	}
	return out
}

// Put lets a person make or change an item.
func (a *HostTwin) Put(object, id string, fields map[string]string) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if object != "items" {
		return "", fmt.Errorf("put: no table %q", object)
	}
	verb := "update"
	if id == "" {
		verb = "create"
	}
	r, refusal := a.write("person", verb, id, fields)
	if refusal != nil {
		return "", errors.New(refusal.Text)
	}
	return r.id, nil
}

// Remove lets a person delete an item.
func (a *HostTwin) Remove(_, id string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if refusal := a.remove("person", id); refusal != nil {
		return errors.New(refusal.Text)
	}
	return nil
}

// Rename makes it another stock book.
func (a *HostTwin) Rename(account string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.account = account
}

func (a *HostTwin) write(by, verb, id string, cells map[string]string) (*twinItem, *twinRefusal) {
	r := a.rows[id]
	if verb == "create" {
		r = &twinItem{cells: map[string]string{}, made: a.Now().Truncate(time.Millisecond)}
	}
	if r == nil || r.gone {
		return nil, &twinRefusal{Code: "unknown", Text: "no such item"}
	}
	next := maps.Clone(r.cells)
	for key, text := range cells {
		if key != "name" && key != "code" && key != "weight" && (key != "tandem_key" || by == "person") {
			return nil, &twinRefusal{Code: "invalid", Key: key, Text: "no such column"}
		}
		if next[key] = strings.TrimSpace(text); next[key] == "" {
			delete(next, key)
		}
	}
	if next["name"] == "" {
		return nil, &twinRefusal{Code: "invalid", Key: "name", Text: "this column must be filled"}
	}
	for _, other := range a.rows {
		if code := next["code"]; code != "" && other != r && !other.gone && other.cells["code"] == code {
			return nil, &twinRefusal{Code: "taken", Key: "code", Holder: other.id, Text: "another item has it"}
		}
	}
	if r.id == "" {
		a.lastID++
		r.id = strconv.Itoa(a.lastID)
		a.rows[r.id] = r
	}
	if !maps.Equal(r.cells, next) || verb == "create" {
		r.cells = next
		a.move(r)
	}
	a.Ledger().Record(twin.Act{By: by, Verb: verb, Object: "items", ID: r.id, Fields: cells})
	return r, nil
}

func (a *HostTwin) remove(by, id string) *twinRefusal {
	r := a.rows[id]
	if r == nil || r.gone {
		return &twinRefusal{Code: "unknown", Text: "no such item"}
	}
	r.gone = true
	a.move(r)
	a.Ledger().Record(twin.Act{By: by, Verb: "delete", Object: "items", ID: id})
	return nil
}

func (a *HostTwin) move(r *twinItem) {
	a.seq++
	r.seq, r.moved = a.seq, a.Now().Truncate(time.Millisecond)
	r.rev++
}
