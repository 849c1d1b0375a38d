package pipedrive

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// Write carries out operations one by one: Pipedrive has no batches.
func (c *conn) Write(ctx context.Context, ops []connector.Op) ([]connector.Result, error) {
	if len(ops) == 0 {
		return nil, nil
	}
	object, verb := ops[0].Ref.Object, ops[0].Verb
	k, err := wanted(object)
	if err != nil {
		return nil, err
	}
	var one func(context.Context, *shape, connector.Op) connector.Result
	switch verb {
	case connector.Create:
		one = c.create
	case connector.Update:
		one = c.update
	case connector.Archive, connector.Delete: // what Pipedrive calls deleting
		one = c.remove
	}
	if one == nil || k.write == 0 || k.log && verb != connector.Create {
		return nil, &connector.Error{
			Kind: connector.Unsupported, Scope: connector.ScopeObject,
			Err: fmt.Errorf("%s %s: Pipedrive's API cannot do this", verb, object),
		}
	}
	s, err := c.shaped(ctx, object)
	if err != nil {
		return nil, err
	}
	out := make([]connector.Result, len(ops))
	for i, op := range ops {
		if out[i] = one(ctx, s, op); out[i].Err != nil {
			out[i].Err = s.blame(refusal(out[i].Err), op)
		}
	}
	return out, nil
}

// refusal makes an *Error of whatever went wrong. A write that was given up may have been
// carried out.
func refusal(err error) error {
	if errors.Is(err, context.Canceled) {
		return &connector.Error{Kind: connector.Ambiguous, Scope: connector.ScopeRecord, Err: err}
	}
	return connector.ErrorOf(err)
}

// blame gives an error the name that the field at fault has here: Pipedrive speaks of the
// whole of which fields are parts.
func (s *shape) blame(err error, op connector.Op) error {
	e := connector.ErrorOf(err)
	if _, ok := s.fields[e.Field]; ok || e.Field == "" {
		return err
	}
	named := *e
	named.Field = ""
	for _, name := range op.Set.Names() {
		whole := e.Field == key(name) || e.Field == "due_date" && name == fieldDue || e.Field == "due_time" && name == fieldDue ||
			e.Field == keyParticipants && name == fieldPerson
		if whole {
			named.Field = name
			break
		}
	}
	return &named
}

func (c *conn) create(ctx context.Context, s *shape, op connector.Op) connector.Result {
	result := connector.Result{Ref: op.Ref}
	d, err := c.draft(ctx, s, op)
	if err != nil {
		result.Err = err
		return result
	}
	if key := s.key(); key != "" && op.Key != "" { // R16
		if d.own[key] = op.Key; !s.kind.flat {
			d.body[keyCustom] = d.own
		}
	}
	var answer envelope[row]
	_, err = c.do(ctx, s.kind.write, rest.Call{Method: http.MethodPost, Path: c.path(s.kind), Body: d.body, Into: &answer})
	return took(s, result, answer.Data, err)
}

func (c *conn) update(ctx context.Context, s *shape, op connector.Op) connector.Result {
	result := connector.Result{Ref: op.Ref}
	if len(op.Set) == 0 { // with nothing to set nothing is sent (R11)
		return result
	}
	d, err := c.draft(ctx, s, op)
	if err != nil {
		result.Err = err
		return result
	}
	method := http.MethodPatch
	if s.kind.name == notes {
		method = http.MethodPut
	}
	var answer envelope[row]
	_, err = c.do(ctx, s.kind.write, rest.Call{Method: method, Path: c.path(s.kind, op.Ref.ID), Body: d.body, Into: &answer})
	return took(s, result, answer.Data, err)
}

// took takes an answer in: what it shows of the record is what Pipedrive holds (R2).
func took(s *shape, result connector.Result, r row, err error) connector.Result {
	switch {
	case err != nil:
		result.Err = err
		return result
	case r.id() == "":
		result.Err = &connector.Error{
			Kind: connector.Ambiguous, Scope: connector.ScopeRecord, // R16
			Err: errors.New("the answer shows no record"),
		}
		return result
	case result.Ref.ID == "":
		result.Ref.ID = r.id()
	}
	after := s.record(r)
	after.ID = result.Ref.ID
	result.Version, result.After = after.Version, &after
	return result
}

// remove deletes a record: of most objects into a bin, where it stays for 30 days.
func (c *conn) remove(ctx context.Context, s *shape, op connector.Op) connector.Result {
	_, err := c.do(ctx, s.kind.remove, rest.Call{Method: http.MethodDelete, Path: c.path(s.kind, op.Ref.ID)})
	if connector.KindOf(err) == connector.NotFound {
		err = nil // it is gone, which is what was wanted
	}
	return connector.Result{Ref: op.Ref, Err: err}
}

// getRow reads one record as it comes.
func (c *conn) getRow(ctx context.Context, k kind, id string) (row, error) {
	var answer envelope[row]
	_, err := c.get(ctx, k, k.get, rest.Call{Path: c.path(k, id), Into: &answer})
	if err == nil && answer.Data.id() == "" {
		err = &connector.Error{Kind: connector.NotFound, Scope: connector.ScopeRecord, Err: fmt.Errorf("read %s %s: there is nothing", k.name, id)}
	}
	return answer.Data, err
}

func refs(object, id string) []record.Ref { return []record.Ref{{Object: object, ID: id}} }

func tombstone(object, id string, fate connector.Fate) connector.Change {
	return connector.Change{Record: record.Record{Ref: record.Ref{Object: object, ID: id}}, Fate: fate}
}
