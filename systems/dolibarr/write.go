package dolibarr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// Write carries the operations out one by one; Dolibarr has no batches and no conditional
// writes.
func (c *conn) Write(ctx context.Context, ops []connector.Op) ([]connector.Result, error) {
	results := make([]connector.Result, len(ops))
	for i, op := range ops {
		results[i] = c.write(ctx, op)
		if err := results[i].Err; err != nil {
			c.nameHolder(ctx, op, err)
			results[i].Err = fmt.Errorf("%s %s: %w", op.Verb, op.Ref.Object, err)
		}
	}
	return results, nil
}

// nameHolder looks up who holds a value that must be unique (R17); the vendor only says
// that somebody does.
func (c *conn) nameHolder(ctx context.Context, op connector.Op, err error) {
	e := connector.ErrorOf(err)
	if e.Kind != connector.Duplicate || e.Field == "" || e.Existing.ID != "" || op.Set[e.Field].IsEmpty() {
		return
	}
	if held, err := c.Find(ctx, op.Ref.Object, e.Field, []string{op.Set[e.Field].Text()}); err == nil && len(held) == 1 {
		e.Existing = held[0].Ref
	}
}

func (c *conn) write(ctx context.Context, op connector.Op) connector.Result {
	o, err := objectOf(op.Ref.Object)
	if err == nil && o.readOnly() {
		err = &connector.Error{Kind: connector.Unsupported, Scope: connector.ScopeObject, Err: fmt.Errorf("%s are read only", o.Name)}
	}
	if err != nil {
		return connector.Result{Ref: op.Ref, Err: err}
	}
	switch {
	case op.Verb == connector.Create && o.Create:
		return c.create(ctx, o, op)
	case op.Verb == connector.Update && o.Update:
		return c.update(ctx, o, op)
	case op.Verb == connector.Delete && o.Delete:
		return c.remove(ctx, o, op)
	case op.Verb == connector.Archive && o.archive != nil:
		return c.put(ctx, o, op.Ref, o.archive, nil)
	case op.Verb == connector.Restore && o.restore != nil:
		return c.put(ctx, o, op.Ref, o.restore, nil)
	default:
		return connector.Result{Ref: op.Ref, Err: &connector.Error{
			Kind: connector.Unsupported, Err: fmt.Errorf("%s have no verb %q", o.Name, op.Verb),
		}}
	}
}

// create sends a record with the operation's key in ref_ext, by which it is looked up if
// the answer is lost (R16), and reads it back: the answer is the bare id, and the vendor
// rewrites what it is given (R2).
func (c *conn) create(ctx context.Context, o object, op connector.Op) connector.Result {
	w, err := c.writing(ctx, o, op.Set, true)
	if err == nil && w.status != nil {
		w.path, err = o.wayFor(draft, *w.status)
	}
	if err == nil {
		err = c.complete(ctx, o, op, w)
	}
	if err != nil {
		return connector.Result{Ref: op.Ref, Refused: w.refused, Err: err}
	}
	var id json.RawMessage
	if _, err := c.api.Do(ctx, rest.Call{Method: http.MethodPost, Path: o.path, Body: w.body, Into: &id}); err != nil {
		return connector.Result{Ref: op.Ref, Refused: w.refused, Err: err}
	}
	res := connector.Result{Ref: record.Ref{Object: o.Name, ID: scalar(id)}, Refused: w.refused}
	if !isID(res.Ref.ID) {
		res.Ref.ID = ""
		res.Err = &connector.Error{Kind: connector.Ambiguous, Err: errors.New("the answer holds no id")}
		return res
	}
	c.finish(ctx, o, &res, w)
	return res
}

// complete adds to a new record what the vendor wants or people expect of one.
func (c *conn) complete(ctx context.Context, o object, op connector.Op, w writing) error {
	body := w.body
	if key := o.keyName(); key != "" && op.Key != "" {
		if _, set := body[key]; !set {
			body[key] = op.Key
		}
	}
	for name, v := range o.preset {
		if _, set := body[name]; !set {
			body[name] = v
		}
	}
	switch o.Name {
	case thirdParties:
		numberCustomer(body)
	case projects:
		numberProject(body, op.Key)
	case events:
		return c.ownEvent(ctx, body)
	case proposals:
		return c.validity(ctx, &w)
	}
	return nil
}

// numberProject gives a project the reference that the vendor demands. Version 20 takes
// "auto" for a reference like any other, which then only one project can have (seen on a
// running 20.0.2). References are unique, so the operation's key also keeps a repeated create
// from making a second one.
func numberProject(body map[string]any, key string) {
	const most = 50
	if _, set := body["ref"]; !set && key != "" {
		body["ref"] = key[max(0, len(key)-most):]
	}
}

// validity adds to what is written of a proposal until when it is good.
func (c *conn) validity(ctx context.Context, w *writing) error {
	zone, err := c.timezone(ctx)
	if err == nil {
		keepValidity(w.body, w.row, w.until, zone)
	}
	return err
}

// ownEvent makes an event that is nobody's one of the key's own user, without whom the
// vendor refuses it (recorded).
func (c *conn) ownEvent(ctx context.Context, body map[string]any) error {
	const owner = "userownerid"
	if _, set := body[owner]; set {
		return nil
	}
	id, err := c.me(ctx)
	if missing(err) {
		return &connector.Error{
			Kind: connector.Invalid, Field: owner, Err: errors.New("an event needs an owner"),
			Fix: "give the key's user the right to read users, or map the owner",
		}
	}
	if err != nil {
		return err
	}
	body[owner] = json.Number(id)
	return nil
}

// me returns the id of the key's own user, asked for once.
func (c *conn) me(ctx context.Context) (string, error) {
	c.mu.Lock()
	id := c.self
	c.mu.Unlock()
	if id != "" {
		return id, nil
	}
	var row wireRow
	if _, err := c.api.Do(ctx, rest.Call{Path: "/users/info", Into: &row}); err != nil {
		return "", fmt.Errorf("read the key's user: %w", err)
	}
	if id = row.text("id"); !isID(id) {
		return "", &connector.Error{Kind: connector.Unavailable, Scope: connector.ScopeObject, Err: errors.New("the key's user shows no id")}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.self = id
	return id, nil
}

// finish does what a create cannot, and reads the record back. The record is there: what
// fails now is refused, and shown (R29), or owed if the failure passes.
func (c *conn) finish(ctx context.Context, o object, res *connector.Result, w writing) {
	refuse := func(field string, err error) {
		if err != nil {
			res.Refused = append(res.Refused, connector.Refuse(field, err))
		}
	}
	if w.tags != nil {
		refuse(tagsName, c.writeTags(ctx, o, res.Ref.ID, *w.tags, record.Value{}))
	}
	refuse(statusName, c.move(ctx, o, res.Ref.ID, w.path))
	if row, err := c.get(ctx, o, res.Ref.ID); err == nil {
		c.after(ctx, o, res, row)
		c.afterTags(ctx, o, res, w)
	} // else the record is there all the same, and the hub reads it later
}

// afterTags adds the categories to what is known after a write of them.
func (c *conn) afterTags(ctx context.Context, o object, res *connector.Result, w writing) {
	if w.tags == nil || res.After == nil {
		return
	}
	if v, ok, err := c.tagsOf(ctx, o, res.Ref.ID); err == nil && ok {
		res.After.Fields[tagsName] = v
	}
}

// numberCustomer asks for a customer code, which people expect of customers and prospects
// and which otherwise stays empty (recorded).
func numberCustomer(body map[string]any) {
	_, given := body["code_client"]
	if client, ok := body["client"].(int64); ok && client > 0 && !given {
		body["code_client"] = "auto"
	}
}

// update sends only what changes: a whole object would carry the entity, which moves the
// record out of sight (recorded), and is refused by version 24. What is not part of the
// body follows: lines, categories, and at last the status, because it may end what can be
// changed; only back to draft a paper goes before.
func (c *conn) update(ctx context.Context, o object, op connector.Op) connector.Result {
	res := connector.Result{Ref: op.Ref}
	set, err := c.kept(ctx, o, op)
	if err != nil {
		res.Err = err
		return res
	}
	w, err := c.writing(ctx, o, set, false)
	w.were, res.Refused = op.Was[tagsName], w.refused
	if err == nil && (w.status != nil || w.lines != nil || o.Name == proposals && (len(w.body) > 0 || w.until != nil)) {
		err = c.approach(ctx, o, op.Ref.ID, &w)
	}
	if err != nil || !w.apart() && len(w.body) == 0 { // nothing to set sends nothing (R11)
		res.Err = err
		return res
	}
	if !w.apart() {
		return c.put(ctx, o, op.Ref, w.body, w.refused)
	}
	if res.Err = c.steps(ctx, o, op.Ref, w); res.Err != nil {
		return res
	}
	if row, err := c.get(ctx, o, op.Ref.ID); err == nil {
		c.after(ctx, o, &res, row)
		c.afterTags(ctx, o, &res, w)
	}
	return res
}

// approach looks where the record stands and finds the way to where it shall be.
func (c *conn) approach(ctx context.Context, o object, id string, w *writing) error {
	row, err := c.get(ctx, o, id)
	if err != nil {
		return err
	}
	w.row = row
	if w.status != nil {
		if w.path, err = o.wayFor(row.text(statusName), *w.status); err != nil {
			return err
		}
	}
	if o.Name == proposals && (len(w.body) > 0 || w.until != nil) {
		return c.validity(ctx, w)
	}
	return nil
}

// steps makes the calls of an update, one after the other.
func (c *conn) steps(ctx context.Context, o object, ref record.Ref, w writing) error {
	reopen := w.status != nil && w.status.Text() == draft
	if reopen && len(w.path) > 0 {
		if err := c.move(ctx, o, ref.ID, w.path); err != nil {
			return err
		}
		w.row[statusName] = json.RawMessage(draft)
	}
	if len(w.body) > 0 {
		if res := c.put(ctx, o, ref, w.body, nil); res.Err != nil {
			return res.Err
		}
	}
	if w.lines != nil {
		if err := c.writeLines(ctx, o, w.row, *w.lines); err != nil {
			return err
		}
	}
	if w.tags != nil {
		if err := c.writeTags(ctx, o, ref.ID, *w.tags, w.were); err != nil {
			return err
		}
	}
	if reopen {
		return nil
	}
	return c.move(ctx, o, ref.ID, w.path)
}

// put sends an update and takes the record from its answer.
func (c *conn) put(ctx context.Context, o object, ref record.Ref, body map[string]any, refused []connector.Refusal) connector.Result {
	res := connector.Result{Ref: ref, Refused: refused}
	var row wireRow
	call := rest.Call{Method: http.MethodPut, Path: o.path + "/" + url.PathEscape(ref.ID), Body: body, Into: &row}
	if _, res.Err = c.api.Do(ctx, call); res.Err != nil {
		return res
	}
	if row.text("id") == ref.ID {
		c.after(ctx, o, &res, row)
	}
	return res
}

// after puts the record of an answer into the result, if it can be decoded without
// calling the vendor in vain.
func (c *conn) after(ctx context.Context, o object, res *connector.Result, row wireRow) {
	decode, err := c.decoder(ctx, o)
	if err != nil {
		return
	}
	c.learn(o, []wireRow{row})
	rec := decode(row).Record
	res.After, res.Version = &rec, rec.Version
}

// remove deletes for good.
func (c *conn) remove(ctx context.Context, o object, op connector.Op) connector.Result {
	_, err := c.api.Do(ctx, rest.Call{Method: http.MethodDelete, Path: o.path + "/" + url.PathEscape(op.Ref.ID)})
	return connector.Result{Ref: op.Ref, Err: err}
}
