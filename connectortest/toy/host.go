package toy

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

// HostSpec describes the other flavour of the toy: a stock book that nobody can call. It
// visits, brings the items that have moved and fetches what it is to change. All requests
// are a POST to an address below the door's, with X-Toy-Visitor: the password; the answer is
// JSON, or a refusal with a code:
//
//	hello {account, name}              → {after}   who comes; from where it is to bring, "" = everything
//	bring {after, upto, more, rows}    → {}        items that moved between two places
//	fetch {n}                          → {jobs}    what it is to do
//	done  {done}                       → {}        what it has done, by the jobs' keys
//
// A job that it fetches again it does once. It brings what it was given, too.
func HostSpec() connector.Spec {
	return connector.Spec{
		Name: "toyhost", Title: "Toy stock book", API: "1", Docs: "https://toy.example/docs/visits", BaseURL: "https://visits.toy.example",
		Auth:     []connector.Auth{{Setting: "password", Header: visitorHeader, Help: "any; the stock book is given the same"}},
		Settings: []connector.Setting{{Name: "password", Label: "Password of the visitor", Required: true, Secret: true}},
		Door: connector.Door{Budget: 10 * time.Second, Quiet: 24 * time.Hour, Body: 64 << 10,
			Help: "in the stock book, under Exchange, enter the address and the password"},
		Open: func(env connector.Env) (connector.Connection, error) {
			return &host{state: env.State, password: env.Secret("password")}, nil
		},
	}
}

const (
	items         = "items"
	visitorHeader = "X-Toy-Visitor"
	accountKey    = "account" // in State: who visits
)

type host struct {
	state    connector.KV
	password string
}

type wireHello struct {
	Account string `json:"account"`
	Name    string `json:"name"`
}

type wireBring struct {
	After string      `json:"after"`
	Upto  string      `json:"upto"`
	More  bool        `json:"more"`
	Rows  []wireEvent `json:"rows"`
}

type wireJob struct {
	Key  string         `json:"key"`
	Verb string         `json:"verb"`
	ID   string         `json:"id,omitempty"`
	Row  map[string]any `json:"row,omitempty"`
}

// Check cannot call anybody. It tells who visited.
func (h *host) Check(ctx context.Context) (connector.Identity, error) {
	hello, _, err := h.visitor(ctx)
	return connector.Identity{Account: hello.Account, Name: hello.Name}, err
}

func (h *host) visitor(ctx context.Context) (wireHello, int64, error) {
	text, version, err := h.state.Get(ctx, accountKey)
	if err != nil || text == "" {
		return wireHello{}, version, err
	}
	var hello wireHello
	return hello, version, decode([]byte(text), &hello)
}

// Schema is what a stock book has.
func (h *host) Schema(context.Context) (record.Schema, error) {
	return record.Schema{Objects: []record.Object{{
		Name: items, Title: "Items", Create: true, Update: true, Delete: true, Batch: 10, ReadBatch: 1, Hosted: true,
		Deletes: record.EvidenceFeed, OwnStamps: true,
		Fields: []record.Field{
			{Name: "name", Label: "Name", Kind: record.KindText, Required: true, MaxLen: 80, Rewrites: []record.Rewrite{record.RewriteTrim}},
			{Name: "code", Label: "Code", Kind: record.KindText, Unique: true},
			{Name: "weight", Label: "Weight", Kind: record.KindNumber},
			{Name: keyField, Label: "Tandem key", Kind: record.KindText, Key: true, Unique: true, Custom: true},
		},
	}}}, nil
}

// Changes is not how items are read.
func (h *host) Changes(context.Context, connector.Query) (connector.Page, error) {
	return connector.Page{}, &connector.Error{Kind: connector.Unsupported, Scope: connector.ScopeConnection, Err: errors.New("the stock book brings its items itself")}
}

// Serve answers one request of a visit.
func (h *host) Serve(ctx context.Context, x connector.Exchange, w http.ResponseWriter, r *http.Request) error {
	if subtle.ConstantTimeCompare([]byte(r.Header.Get(visitorHeader)), []byte(h.password)) != 1 {
		return refuse(connector.Unauthorized, errors.New("the password is not the visitor's"))
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return refuse(connector.Unavailable, fmt.Errorf("read the request: %w", err))
	}
	var answer any
	switch r.PathValue("rest") {
	case "hello":
		answer, err = h.hello(ctx, x, body)
	case "bring":
		answer, err = h.bring(ctx, x, body)
	case "fetch":
		answer, err = h.fetch(ctx, x, body)
	case "done":
		answer, err = h.done(ctx, x, body)
	default:
		err = refuse(connector.Invalid, errors.New("no such thing to ask for"))
	}
	switch {
	case connector.KindOf(err) == connector.Expired: // the visitor understands that: the visit goes on
		answer = wireRefusal{Code: "expired", Text: "bring everything"}
		w.WriteHeader(http.StatusConflict)
	case err != nil:
		return err
	}
	return json.NewEncoder(w).Encode(answer)
}

// ask decodes a question.
func ask(body []byte, into any) error {
	if err := json.Unmarshal(body, into); err != nil {
		return refuse(connector.Invalid, fmt.Errorf("decode the question: %w", err))
	}
	return nil
}

// hello remembers who came first and lets in nobody else: it would be another stock book.
func (h *host) hello(ctx context.Context, x connector.Exchange, body []byte) (any, error) {
	var hello wireHello
	if err := ask(body, &hello); err != nil {
		return nil, err
	}
	known, version, err := h.visitor(ctx)
	switch {
	case err != nil:
		return nil, err
	case known.Account == "" && hello.Account != "":
		text, err := json.Marshal(hello)
		if err != nil {
			return nil, err
		}
		if _, err := h.state.Put(ctx, accountKey, string(text), version); err != nil {
			return nil, err
		}
	case known.Account != hello.Account || hello.Account == "":
		return nil, refuse(connector.Unauthorized, fmt.Errorf("%q visits instead of %q", hello.Account, known.Account))
	}
	after, err := x.Place(ctx, items)
	return map[string]string{"after": string(after)}, err
}

func (h *host) bring(ctx context.Context, x connector.Exchange, body []byte) (any, error) {
	var b wireBring
	if err := ask(body, &b); err != nil {
		return nil, err
	}
	page := connector.Page{Next: connector.Cursor(b.Upto), More: b.More}
	for _, e := range b.Rows {
		if e.ID == "" {
			return nil, refuse(connector.Invalid, errors.New("an item without an id"))
		}
		change, err := decodeEvent(items, e)
		if err != nil {
			return nil, refuse(connector.Invalid, err)
		}
		page.Changes = append(page.Changes, change)
	}
	return struct{}{}, x.Save(ctx, items, connector.Cursor(b.After), page)
}

func (h *host) fetch(ctx context.Context, x connector.Exchange, body []byte) (any, error) {
	var q struct {
		N int `json:"n"`
	}
	if err := ask(body, &q); err != nil {
		return nil, err
	}
	ops, err := x.Take(ctx, items, min(max(q.N, 1), 100))
	jobs := make([]wireJob, 0, len(ops))
	for _, op := range ops {
		job := wireJob{Key: op.Key, Verb: string(op.Verb), ID: op.Ref.ID, Row: make(map[string]any, len(op.Set))}
		for name, v := range op.Set {
			job.Row[name] = toWire(kindOf(items, name), v)
		}
		jobs = append(jobs, job)
	}
	return map[string]any{"jobs": jobs}, err
}

func (h *host) done(ctx context.Context, x connector.Exchange, body []byte) (any, error) {
	var q struct {
		Done []struct {
			Job string `json:"job"` // its key
			ID  string `json:"id"`
			Rev int64  `json:"rev"`
			wireRefusal
		} `json:"done"`
	}
	if err := ask(body, &q); err != nil {
		return nil, err
	}
	outcomes := make(map[string]connector.Result, len(q.Done))
	for _, o := range q.Done {
		res := connector.Result{Ref: record.Ref{Object: items, ID: o.ID}}
		if o.Rev > 0 {
			res.Version = strconv.FormatInt(o.Rev, 10)
		}
		if o.Code != "" {
			res.Err = failure(o.wireRefusal, connector.ScopeRecord)
		}
		outcomes[o.Job] = res
	}
	return struct{}{}, x.Settle(ctx, items, outcomes)
}

var (
	_ connector.Source = (*host)(nil)
	_ connector.Host   = (*host)(nil)
)
