package dolibarr

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

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
	if err == nil && o.Name == users {
		err = &connector.Error{Kind: connector.Unsupported, Scope: connector.ScopeObject, Err: errors.New("users are read only")}
	}
	if err != nil {
		return connector.Result{Ref: op.Ref, Err: err}
	}
	switch op.Verb {
	case connector.Create:
		return c.create(ctx, o, op)
	case connector.Update:
		return c.update(ctx, o, op)
	case connector.Delete:
		return c.remove(ctx, o, op)
	case connector.Archive:
		return c.put(ctx, o, op.Ref, stateBody(o, 0), nil)
	case connector.Restore:
		return c.put(ctx, o, op.Ref, stateBody(o, 1), nil)
	default:
		return connector.Result{Ref: op.Ref, Err: &connector.Error{
			Kind: connector.Unsupported, Err: fmt.Errorf("there is no verb %q", op.Verb),
		}}
	}
}

// stateBody closes or opens a record. Version 20 heeds one of the two keys, version 24
// takes a contact's change only if both are there (recorded).
func stateBody(o object, state int) map[string]any {
	if o.Name == contacts {
		return map[string]any{"status": state, "statut": state}
	}
	return map[string]any{"status": state}
}

// create sends a record with the operation's key in ref_ext, by which it is looked up if
// the answer is lost (R16), and reads it back: the answer is the bare id, and the vendor
// rewrites what it is given (R2).
func (c *conn) create(ctx context.Context, o object, op connector.Op) connector.Result {
	body, refused, err := c.body(ctx, o, op.Set, true)
	if err != nil {
		return connector.Result{Ref: op.Ref, Refused: refused, Err: err}
	}
	if _, set := body["ref_ext"]; !set && op.Key != "" {
		body["ref_ext"] = op.Key
	}
	if o.Name == thirdParties {
		numberCustomer(body)
	}
	var id json.RawMessage
	if _, err := c.api.Do(ctx, rest.Call{Method: http.MethodPost, Path: o.path, Body: body, Into: &id}); err != nil {
		return connector.Result{Ref: op.Ref, Refused: refused, Err: err}
	}
	res := connector.Result{Ref: record.Ref{Object: o.Name, ID: scalar(id)}, Refused: refused}
	if !isID(res.Ref.ID) {
		res.Ref.ID = ""
		res.Err = &connector.Error{Kind: connector.Ambiguous, Err: errors.New("the answer holds no id")}
		return res
	}
	if row, err := c.get(ctx, o, res.Ref.ID); err == nil {
		c.after(ctx, o, &res, row)
	} // else the record is there all the same, and the hub reads it later
	return res
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
// record out of sight (recorded), and is refused by version 24.
func (c *conn) update(ctx context.Context, o object, op connector.Op) connector.Result {
	body, refused, err := c.body(ctx, o, op.Set, false)
	if err != nil || len(body) == 0 { // nothing to set sends nothing (R11)
		return connector.Result{Ref: op.Ref, Refused: refused, Err: err}
	}
	return c.put(ctx, o, op.Ref, body, refused)
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

// body encodes what is to be written. What the vendor would ignore or undo is refused
// here, so that it is shown.
func (c *conn) body(ctx context.Context, o object, set record.Fields, create bool) (map[string]any, []connector.Refusal, error) {
	extras, err := c.extrasOf(ctx, o.Name)
	if err != nil {
		return nil, nil, err
	}
	all := slices.Concat(o.fields, extras)
	body, options := map[string]any{}, map[string]any{}
	var refused []connector.Refusal
	for _, name := range slices.Sorted(maps.Keys(set)) {
		v := set[name]
		f, known := known(all, name)
		switch why := refusal(f, known, v, create); {
		case why != "":
			refused = append(refused, connector.Refusal{Field: name, Why: why})
		case name == "country_code":
			if err := c.country(ctx, v, body); err != nil {
				return nil, refused, err
			}
		case create && v.IsEmpty(): // is empty anyway
		default:
			wire, err := encode(f, v)
			if err != nil {
				return nil, refused, &connector.Error{Kind: connector.Invalid, Field: name, Err: err}
			}
			if key, extra := strings.CutPrefix(name, optionsPrefix); extra {
				options[key] = wire
			} else {
				body[name] = wire
			}
		}
	}
	if len(options) > 0 {
		body["array_options"] = options
	}
	return body, refused, nil
}

// known returns the field of that name. An extrafield that is not among the known ones is
// sent as a text: without an administrator's key they are learnt from records, and there
// may be none yet.
func known(all []field, name string) (field, bool) {
	i := slices.IndexFunc(all, func(f field) bool { return f.Name == name })
	if i >= 0 {
		return all[i], true
	}
	extra := strings.HasPrefix(name, optionsPrefix)
	return field{Field: record.Field{Name: name, Kind: record.KindText}}, extra
}

// refusal says why a value is not sent, "" if it is.
func refusal(f field, known bool, v record.Value, create bool) string {
	switch {
	case !known:
		return "Dolibarr has no such field"
	case f.ReadOnly:
		return cmp.Or(map[string]string{
			"status": "archive or restore the record instead", "statut": "archive or restore the record instead",
		}[f.Name], "Dolibarr does not let it be written")
	case v.IsEmpty() && f.NoClear && !create:
		return "Dolibarr cannot empty it"
	default:
		return ""
	}
}

// country sends the id that the code stands for, and both emptied to clear it: version 24
// would take the id from a code that is left.
func (c *conn) country(ctx context.Context, v record.Value, body map[string]any) error {
	if v.IsEmpty() {
		body["country_id"], body["country_code"] = nil, ""
		return nil
	}
	id, err := c.countryID(ctx, v.Text())
	if err != nil {
		return err
	}
	body["country_id"] = id
	return nil
}
