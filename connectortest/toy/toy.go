// Package toy is a made-up system that keeps the contract and the conformance suite
// honest: an address book that is kept in boxes. It has what the real systems lack: parts
// that are read one by one, a feed with tombstones and a cursor that expires, versions
// that a write can insist on, batches with a result for every item, answers to writes
// that show no record, rows that the credential may not see, a bin from which a record
// returns with its id, a field whose change moves no stamp, texts that are rewritten, rows
// that are folded into one or go on in another table, writes that are jobs, and meetings of which every
// guest has a copy.
//
// The connector (this file, records.go, wire.go) and the twin (twin.go and what begins
// with twin_) share no code, as with every system. All of the made-up API:
//
//	GET  /v1/me                                      who we are
//	GET  /v1/boxes?table=                            the parts of the tables cards and meetings
//	GET  /v1/fields?table=                           the fields of a table
//	POST /v1/fields {table, key, label, type}        makes a field, or finds it there
//	GET  /v1/feed?table=&box=&after=&limit=&bare=    one page of everything, then of changes
//	POST /v1/get  {table, ids}                       rows by id
//	POST /v1/find {table, key, any}                  rows that hold one of the values
//	POST /v1/do   {table, verb, items}               up to 10 writes of one verb; a busy account answers with jobs
//	POST /v1/jobs {table, ids}                       what became of jobs
//	POST /v1/fold {table, keep, lose}                folds rows into one
//	POST /v1/events {events}                         what happened to people, all or nothing
//	POST /v1/events/seen {keys}                      which of those are known
//	GET  /v1/hooks                                   whom the vendor calls
//	POST /v1/hooks {url, tables}                     call this address for a week when rows move
//	DELETE /v1/hooks?id=                             call it no more
//	GET  /v1/papers?row=                             the files on a card
//	POST /v1/papers?row=&key=&name=&type=            puts a file on a card, once per key: the body is its bytes
//	DELETE /v1/papers?id=                            takes it off
//	GET  /v1/paper?id=                               its bytes
//
// To such an address it sends {rows: [{table, id}]}, or {dropped: true}, and to what is below it
// {call: {id, from, to, at}}, to which it waits two seconds for {show, ring, drop}. X-Toy-Signature
// is an HMAC-SHA-256 with the API key of method, address, X-Toy-Time and body.
package toy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/rest"
)

// callsPerSecond is half of what the vendor allows.
const callsPerSecond = 10

// Spec describes the toy system.
func Spec() connector.Spec {
	return connector.Spec{
		Name:    "toy",
		Title:   "Toy address book",
		API:     "1",
		Docs:    "https://toy.example/docs",
		BaseURL: "https://api.toy.example/v1",
		Auth: []connector.Auth{{
			Setting: "api_key", Header: "Authorization", Prefix: "Token ",
			Help: "in the toy's settings, under Access",
		}},
		Settings: []connector.Setting{
			{Name: "api_key", Label: "API key", Required: true, Secret: true},
			{Name: "language", Label: "Language of the labels", Default: "en", Choices: []string{"en", "el"}},
		},
		Limits: func(connector.Settings, connector.Identity) []connector.Limit {
			return []connector.Limit{{Units: callsPerSecond, Per: time.Second, Source: "https://toy.example/docs/limits"}}
		},
		Door:    connector.Door{ReadDelay: 2 * time.Second, Budget: 2 * time.Second, Quiet: 2 * 24 * time.Hour},
		MaxFile: maxFile,
		Open:    open,
	}
}

// Patient describes a toy system whose jobs take up to so long: a write whose answer was lost may
// be one, so that long nobody can tell whether it will still be carried out (R16, R36).
func Patient(longest time.Duration) connector.Spec {
	s := Spec()
	s.Open = func(env connector.Env) (connector.Connection, error) {
		return &conn{api: rest.API{HTTP: env.HTTP, Base: env.BaseURL, Classify: classify}, secret: env.Secret("api_key"), settle: longest}, nil
	}
	return s
}

type conn struct {
	api    rest.API
	secret string        // of the vendor's signatures
	settle time.Duration // see [Patient]
}

func open(env connector.Env) (connector.Connection, error) {
	return &conn{api: rest.API{HTTP: env.HTTP, Base: env.BaseURL, Classify: classify}, secret: env.Secret("api_key")}, nil
}

// Check asks who we are. The Date of the answer tells the vendor's clock.
func (c *conn) Check(ctx context.Context) (connector.Identity, error) {
	var me wireMe
	began := time.Now()
	res, err := c.api.Do(ctx, rest.Call{Method: http.MethodGet, Path: "/me", Into: &me})
	if err != nil {
		return connector.Identity{}, fmt.Errorf("check: %w", err)
	}
	id := connector.Identity{Account: me.Account, Name: me.Name, Version: me.Release, Zone: me.Zone}
	if date, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		middle := began.Add(time.Since(began) / 2)
		id.Clock = date.Sub(middle).Round(time.Second)
	}
	return id, nil
}

// classify tells what an answer means. The vendor's refusals carry a code.
func classify(r *rest.Response) error {
	if r.Status < 300 {
		return nil
	}
	var refusal wireRefusal
	if err := decode(r.Body, &refusal); err != nil || refusal.Code == "" {
		return nil //nolint:nilerr // no refusal of the vendor's own: the status says it
	}
	return failure(refusal, connector.ScopeConnection)
}

// failure turns a refusal into an error of that scope.
func failure(r wireRefusal, scope connector.Scope) *connector.Error {
	e := &connector.Error{Scope: scope, Field: r.Key, Err: errors.New(strings.ToLower(r.Text))}
	switch r.Code {
	case "unsigned":
		e.Kind, e.Scope, e.Fix = connector.Unauthorized, connector.ScopeConnection, "renew the API key in the toy's settings, under Access"
	case "closed":
		e.Kind, e.Scope, e.Fix = connector.Forbidden, connector.ScopeObject, "let the API key see the table"
	case "expired":
		e.Kind, e.Scope = connector.Expired, connector.ScopePartition
	case "invalid":
		e.Kind = connector.Invalid
	case "taken":
		e.Kind = connector.Duplicate
		e.Existing.ID = r.Holder
	case "stale":
		e.Kind = connector.Conflict
	case "unknown":
		e.Kind = connector.NotFound
	case "hidden":
		e.Kind = connector.Forbidden
	case "cannot":
		e.Kind = connector.Unsupported
	case "slow down":
		e.Kind = connector.RateLimited
	default:
		e.Kind = connector.Unavailable
	}
	return e
}

var (
	_ connector.Source       = (*conn)(nil)
	_ connector.Reader       = (*conn)(nil)
	_ connector.Finder       = (*conn)(nil)
	_ connector.Writer       = (*conn)(nil)
	_ connector.Partitioner  = (*conn)(nil)
	_ connector.SchemaWriter = (*conn)(nil)
	_ connector.Settler      = (*conn)(nil)
	_ connector.Merger       = (*conn)(nil)
	_ connector.EventSink    = (*conn)(nil)

	_ connector.FileStore       = (*conn)(nil)
	_ connector.WebhookReceiver = (*conn)(nil)
	_ connector.Subscriber      = (*conn)(nil)
)
