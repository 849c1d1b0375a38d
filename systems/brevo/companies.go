package brevo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// New companies that come together are imported: one by one each costs one of a hundred calls an
// hour. Brevo tells of such an import when it is over, and neither which companies it made nor
// which rows it left out. So it is used only where each row carries our key: a company that has the
// key is the row's, and a row whose key is nowhere when the import is over was not taken (R36).
// See https://developers.brevo.com/reference/import-companies-creation-and-updation

const (
	companyBatch  = 1000 // new companies of one import, and those that one page shows
	companySettle = 30 * time.Minute
	companyLeast  = 30 * time.Second // an import of companies is not asked about sooner,
	companyDoubt  = 10 * time.Minute // nor do rows that are in no list count as left out sooner,
	companyLost   = time.Hour        // nor is it given up sooner if Brevo knows of no such process
	companyAge    = time.Minute      // how long a search for our keys serves the next one
)

// companyRules is what an import is told: every row is a new company, nothing else is touched (R17).
type companyRules struct {
	Link   bool `json:"link_entities"`
	Unlink bool `json:"unlink_entities"`
	Update bool `json:"update_existing_records"`
	Empty  bool `json:"unset_empty_attributes"`
}

// A companyTicket is what an imported company is asked for by.
type companyTicket struct {
	Process int64    `json:"p"`
	At      int64    `json:"t"` // when the import was sent, by Brevo's clock, in milliseconds
	Key     string   `json:"k"`
	Sent    []string `json:"s,omitempty"`
	Later   []string `json:"l,omitempty"` // fields that an import cannot say: they are owed
}

// An importID tells imports apart. Brevo's clock tells seconds, so that several are of one moment; and
// not every import is told its process.
type importID struct{ process, at int64 }

func (t companyTicket) id() importID { return importID{t.Process, t.At} }

func (t companyTicket) encode() string {
	text, err := json.Marshal(t)
	if err != nil {
		return "" // texts and numbers: it cannot fail
	}
	return string(text)
}

// createCompanies makes companies: by an import where many come together, else one by one.
func (c *conn) createCompanies(ctx context.Context, s *shape, ops []connector.Op) ([]connector.Result, error) {
	out := make([]connector.Result, len(ops))
	var rows, single []int
	for i, op := range ops {
		out[i].Ref = op.Ref
		if s.importable(op) && !c.isAlone(op.Key) {
			rows = append(rows, i)
		} else {
			single = append(single, i)
		}
	}
	if len(rows) < importFrom || !c.importCompanies(ctx, s, ops, rows, out) {
		single = append(single, rows...)
		slices.Sort(single)
	}
	c.createEach(ctx, s, ops, single, out)
	same := out[0].Err != nil
	for _, res := range out {
		same = same && res.Err == out[0].Err //nolint:errorlint // one error, not several alike
	}
	if same && wholesale(out[0].Err) {
		return nil, out[0].Err
	}
	return out, nil
}

// createEach makes companies one by one, and reads them back together.
func (c *conn) createEach(ctx context.Context, s *shape, ops []connector.Op, which []int, out []connector.Result) {
	sent := time.Now()
	made := map[string]int{}
	for n, i := range which {
		if late(ctx) {
			err := &connector.Error{Kind: connector.Unavailable, Scope: connector.ScopeRecord, Wait: time.Second, Err: errLeft}
			for _, rest := range which[n:] {
				out[rest].Err = err
			}
			break
		}
		id, err := c.writeSale(ctx, s, ops[i])
		if err == nil && id == "" {
			err = &connector.Error{Kind: connector.Ambiguous, Scope: connector.ScopeRecord, Err: errors.New("the answer names no record")}
		}
		if err == nil {
			out[i].Ref.ID, made[id] = id, i
			continue
		}
		e := connector.ErrorOf(unknown(fmt.Errorf("create company: %w", err)))
		out[i].Err = e
		if halts(e) { // the others would meet the same
			for _, rest := range which[n+1:] {
				out[rest].Err = e
			}
			break
		}
	}
	// Whose answer is not found is read by the hub; that costs a call for each, this one for all.
	_ = c.companiesSince(ctx, s, sent.Add(-overlap), func(r record.Record) bool {
		if i, ok := made[r.ID]; ok {
			delete(made, r.ID)
			out[i].Version, out[i].After = r.Version, &r
			w := writing{op: ops[i], sent: ops[i].Set}
			w.dropped(s, r)
			out[i].Refused = w.result.Refused
		}
		return len(made) > 0
	}, len(made) > 0)
}

// importable reports whether a row of an import can say what is to be said of a company. How
// values with a separator, or of other kinds than these, stand in such a file is not documented.
func (s *shape) importable(op connector.Op) bool {
	if _, keyed := s.key(); !keyed || op.Key == "" || op.Set["name"].Text() == "" {
		return false
	}
	for _, name := range op.Set.Names() {
		switch f := s.fields[name]; f.Kind {
		case record.KindText, record.KindEmail, record.KindPhone, record.KindNumber, record.KindMoney:
			if text := op.Set[name].Text(); strings.ContainsAny(text, ";\"\t\r\n") || strings.TrimSpace(text) != text {
				return false
			}
		case record.KindReferences: // made by a call of its own
		default:
			return false
		}
	}
	return true
}

// table writes companies as a file with semicolons, one of the separators of
// https://help.brevo.com/hc/en-us/articles/8384673933970
func (s *shape) table(ops []connector.Op, which []int) []byte {
	var names []string
	for _, i := range which {
		for _, name := range ops[i].Set.Names() {
			if s.fields[name].Kind != record.KindReferences && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	key, _ := s.key()
	var b bytes.Buffer
	b.WriteString(strings.Join(append(slices.Clone(names), key), ";") + "\n")
	for _, i := range which {
		for _, name := range names {
			b.WriteString(ops[i].Set[name].Text() + ";")
		}
		b.WriteString(ops[i].Key + "\n")
	}
	return b.Bytes()
}

// importCompanies sends an import. It returns false if the companies are to be made one by one,
// which shows what is wrong.
func (c *conn) importCompanies(ctx context.Context, s *shape, ops []connector.Op, which []int, out []connector.Result) bool {
	file := s.table(ops, which)
	if len(file) > importBytes {
		return false
	}
	process, at, err := c.sendCompanies(ctx, file)
	switch connector.KindOf(err) {
	case connector.Invalid, connector.NotFound, connector.Unsupported, connector.Duplicate:
		return false
	}
	if err != nil {
		e := connector.ErrorOf(unknown(fmt.Errorf("import companies: %w", err)))
		for _, i := range which {
			out[i].Err = e
		}
		return true
	}
	for _, i := range which {
		t := companyTicket{Process: process, At: at.UnixMilli(), Key: ops[i].Key}
		for _, name := range ops[i].Set.Names() {
			if s.fields[name].Kind == record.KindReferences {
				t.Later = append(t.Later, name)
			} else {
				t.Sent = append(t.Sent, name)
			}
		}
		out[i].Pending = t.encode()
	}
	return true
}

func (c *conn) sendCompanies(ctx context.Context, file []byte) (process int64, at time.Time, err error) {
	rules, err := json.Marshal(companyRules{})
	if err != nil {
		return 0, at, err
	}
	form, kind, err := rest.FileForm([][2]string{{"mapping", string(rules)}}, "companies.csv", "text/csv", file)
	if err != nil {
		return 0, at, err
	}
	var answer struct {
		Process int64 `json:"processId"` // may be null; then the companies are looked for without it
	}
	sent := time.Now()
	r, err := c.do(ctx, rest.Call{
		Method: http.MethodPost, Path: "/v3/companies/import", Body: form, Header: http.Header{"Content-Type": {kind}}, Into: &answer,
	})
	return answer.Process, began(r, sent), err
}

// companiesSince shows companies that were made since a time, the oldest first, until told to stop.
func (c *conn) companiesSince(ctx context.Context, s *shape, since time.Time, each func(record.Record) bool, wanted bool) error {
	cur := cursor{Mode: modeList}
	if !since.IsZero() {
		cur.Since = max(1, since.UnixMilli()-1)
	}
	read := c.salesPage(s)
	for more := wanted; more; {
		b, err := read(ctx, cur, maxSales)
		if err != nil {
			return err
		}
		for _, r := range b.rows {
			if !each(r.change.Record) {
				return nil
			}
		}
		cur, more = cur.next(b, maxSales)
	}
	return nil
}

// A companySearch is what a search for companies by our key has come to.
type companySearch struct {
	began, ended time.Time
	found        map[string][]record.Record // by key
	err          error                      // why nothing can be said yet
}

// serves reports whether the next one who asks is answered by it: they come with twenty keys at a time, and
// a search may cost many of a hundred calls an hour. What may have been made since it began has not settled (R16).
func (s companySearch) serves() bool {
	return time.Since(s.ended) <= companyAge && time.Since(s.began) <= companySettle/2
}

// findCompanies looks companies up by our key. Brevo says of no filter that it could, so all are
// read. While an import may be under way it says nothing: what is not there yet would be made again (R16).
func (c *conn) findCompanies(ctx context.Context, s *shape, key string, values []string) ([]record.Record, error) {
	c.mu.Lock()
	last := c.byKey
	c.mu.Unlock()
	if !last.serves() {
		var err error
		if last, err = c.searchCompanies(ctx, s, key); err != nil {
			return nil, fmt.Errorf("find companies by %s: %w", key, err)
		}
		c.mu.Lock()
		c.byKey = last
		c.mu.Unlock()
	}
	if last.err != nil {
		return nil, fmt.Errorf("find companies by %s: %w", key, last.err)
	}
	var out []record.Record
	for _, v := range slices.Compact(slices.Sorted(slices.Values(values))) {
		for _, r := range last.found[v] {
			r.Fields = r.Fields.Clone()
			out = append(out, r)
		}
	}
	return out, nil
}

func (c *conn) searchCompanies(ctx context.Context, s *shape, key string) (companySearch, error) {
	search := companySearch{began: time.Now(), found: map[string][]record.Record{}}
	atWork, err := c.atWork(ctx)
	if err == nil && atWork != 0 {
		search.err = &connector.Error{
			Kind: connector.Unavailable, Scope: connector.ScopeRecord,
			Err: fmt.Errorf("process %d of Brevo is under way, and may be the import that was cut off", atWork),
		}
	} else if err == nil {
		err = c.companiesSince(ctx, s, time.Time{}, func(r record.Record) bool {
			if v := r.Fields[key].Text(); v != "" && !slices.ContainsFunc(search.found[v], func(x record.Record) bool { return x.Ref == r.Ref }) {
				search.found[v] = append(search.found[v], r)
			}
			return true
		}, true)
	}
	search.ended = time.Now()
	return search, err
}
