package brevo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// writing is one operation on a contact on its way.
type writing struct {
	op     connector.Op
	id     string
	before *contact // as it was read just before; nil if that was not needed
	input  contactInput
	sent   record.Fields // what the input says
	result connector.Result
}

func (w *writing) refuse(field, why string) {
	delete(w.sent, field)
	w.result.Refused = append(w.result.Refused, refuse(field, why))
}

// Write carries out operations: updates of contacts together, all else one by one.
func (c *conn) Write(ctx context.Context, ops []connector.Op) ([]connector.Result, error) {
	if len(ops) == 0 {
		return nil, nil
	}
	object, verb := ops[0].Ref.Object, ops[0].Verb
	s, err := c.shape(ctx, object)
	if err != nil {
		return nil, err
	}
	switch {
	case object != contacts:
		return c.writeOthers(ctx, s, ops)
	case verb == connector.Create, verb == connector.Update, verb == connector.Delete:
	default:
		return nil, unsupported("%s %s: Brevo cannot do this", verb, object)
	}
	all := make([]*writing, len(ops))
	for i, op := range ops {
		all[i] = &writing{op: op, id: op.Ref.ID, sent: record.Fields{}, result: connector.Result{Ref: op.Ref}}
	}
	switch verb {
	case connector.Create:
		c.create(ctx, s, all)
	case connector.Update:
		c.update(ctx, s, all)
	default:
		for i, w := range all {
			if late(ctx) {
				leave(all[i:])
				break
			}
			w.result.Err = c.remove(ctx, w.id)
		}
	}
	return results(all)
}

// results returns the results, or the one error that befell all operations together.
func results(all []*writing) ([]connector.Result, error) {
	out := make([]connector.Result, len(all))
	first := all[0].result.Err
	same := first != nil
	for i, w := range all {
		out[i] = w.result
		same = same && w.result.Err == first //nolint:errorlint // one error, not several alike
	}
	if same && wholesale(first) {
		return nil, first
	}
	return out, nil
}

// wholesale reports whether an error is that of a call rather than of one record.
func wholesale(err error) bool {
	switch connector.KindOf(err) {
	case connector.Invalid, connector.Duplicate, connector.NotFound, connector.Conflict, connector.Ambiguous:
		return false
	default:
		return true
	}
}

// unknown makes the error of a write that was given up: it may have been carried out (R16).
func unknown(err error) error {
	if errors.Is(err, context.Canceled) {
		return &connector.Error{Kind: connector.Ambiguous, Scope: connector.ScopeRecord, Err: err}
	}
	return err
}

// create makes contacts, by an import where many come together. It never asks Brevo to
// update a contact that is there: that one may be another sync's, or nobody's (R17).
func (c *conn) create(ctx context.Context, s *shape, all []*writing) {
	var ready []*writing
	for _, w := range all {
		if w.fill(s); w.result.Err == nil {
			if _, keyed := s.fields[fieldKey]; keyed && w.op.Key != "" {
				w.attribute(fieldKey, w.op.Key) // R16
			}
			ready = append(ready, w)
		}
	}
	var made []*writing
	single := c.importMany(ctx, ready)
	for i, w := range single {
		if late(ctx) {
			leave(single[i:])
			break
		}
		if w.result.Err = c.createOne(ctx, s, w); w.result.Err == nil {
			made = append(made, w)
			continue
		}
		if halts(w.result.Err) { // the others would meet the same
			for _, next := range single[i+1:] {
				next.result.Err = w.result.Err
			}
			break
		}
	}
	c.readBack(ctx, s, made)
}

// late reports whether the time is nearly over in which a batch is to be done.
func late(ctx context.Context) bool {
	end, ends := ctx.Deadline()
	return ends && time.Until(end) < 15*time.Second
}

// leave marks what there is no time for any more: it was not sent, and comes again soon.
func leave(rest []*writing) {
	err := &connector.Error{Kind: connector.Unavailable, Scope: connector.ScopeRecord, Wait: time.Second, Err: errLeft}
	for _, w := range rest {
		w.result.Err = err
	}
}

// halts reports whether an error would befall every further call too.
func halts(err error) bool {
	switch connector.KindOf(err) {
	case connector.Unauthorized, connector.RateLimited, connector.Forbidden:
		return true
	default:
		return false
	}
}

// createOne makes one contact. A number that another contact has is left out, if the contact
// is known by something else (R29): it is shared more often than it is the same person.
func (c *conn) createOne(ctx context.Context, s *shape, w *writing) error {
	for {
		var answer struct {
			ID int64 `json:"id"`
		}
		_, err := c.do(ctx, rest.Call{Method: http.MethodPost, Path: "/v3/contacts", Body: w.input, Into: &answer})
		switch {
		case err == nil && answer.ID > 0:
			w.id = strconv.FormatInt(answer.ID, 10)
			w.result.Ref.ID = w.id
			return nil
		case err == nil:
			return &connector.Error{Kind: connector.Ambiguous, Scope: connector.ScopeRecord, Err: errors.New("create contact: the answer names no contact")}
		case w.dropTaken(err) && (w.input.Email != "" || w.input.ExtID != nil):
			continue
		}
		return c.whose(ctx, s, w, unknown(err))
	}
}

// dropTaken leaves out the telephone numbers that are another contact's, and reports whether
// they were all that was wrong.
func (w *writing) dropTaken(err error) bool {
	fields := takenFields(err)
	for _, f := range fields {
		if _, sent := w.input.Attributes[f]; f == fieldEmail || f == fieldExtID || !sent {
			return false
		}
	}
	for _, f := range fields {
		delete(w.input.Attributes, f)
		w.refuse(f, "another contact has this number, and Brevo lets one only have it")
	}
	return len(fields) > 0
}

// whose adds to a duplicate which contact has the value (R17).
func (c *conn) whose(ctx context.Context, s *shape, w *writing, err error) error {
	fields := takenFields(err)
	if len(fields) == 0 {
		return err
	}
	e := *connector.ErrorOf(err)
	for _, name := range fields {
		v, sent := w.op.Set[name]
		if !sent {
			continue
		}
		holders, lookErr := c.lookUp(ctx, s.fields[name], v.Text())
		if lookErr == nil && len(holders) == 1 {
			e.Field, e.Existing = name, record.Ref{Object: contacts, ID: strconv.FormatInt(holders[0].ID, 10)}
			break
		}
	}
	return &e
}

// update changes contacts: all in one call if nothing is wrong with any of them, else one by
// one, so that each has an outcome of its own. What a batch wrote is written once more then,
// with the same values.
func (c *conn) update(ctx context.Context, s *shape, all []*writing) {
	c.readBefore(ctx, all)
	var ready []*writing
	for _, w := range all {
		if w.result.Err != nil {
			continue
		}
		if w.fill(s); w.result.Err == nil && !w.input.empty() { // with nothing to set nothing is sent (R11)
			ready = append(ready, w)
		}
	}
	for part := range slices.Chunk(ready, callBatch) {
		if len(part) > 1 {
			if c.updateBatch(ctx, part) {
				continue
			}
			c.refill(ctx, s, part)
		}
		for i, w := range part {
			switch {
			case late(ctx):
				leave(part[i:])
			case w.result.Err == nil && !w.input.empty():
				w.result.Err = c.updateOne(ctx, s, w)
			}
		}
	}
	c.readBack(ctx, s, slices.DeleteFunc(ready, func(w *writing) bool { return w.result.Err != nil }))
}

// refill makes what is sent anew: since the contacts were read a person may have said no (R32).
func (c *conn) refill(ctx context.Context, s *shape, part []*writing) {
	for _, w := range part {
		w.input, w.sent, w.before, w.result = contactInput{}, record.Fields{}, nil, connector.Result{Ref: w.op.Ref}
	}
	c.readBefore(ctx, part)
	for _, w := range part {
		if w.result.Err == nil {
			w.fill(s)
		}
	}
}

// updateBatch changes contacts in one call. It returns false if they are to be tried one by
// one; see https://developers.brevo.com/reference/update-batch-contacts
func (c *conn) updateBatch(ctx context.Context, part []*writing) bool {
	in := struct {
		Contacts []contactInput `json:"contacts"`
	}{}
	for _, w := range part {
		x := w.input
		x.ID, _ = strconv.ParseInt(w.id, 10, 64)
		in.Contacts = append(in.Contacts, x)
	}
	_, err := c.do(ctx, rest.Call{Method: http.MethodPost, Path: "/v3/contacts/batch", Body: in})
	if err == nil {
		return true
	}
	switch connector.KindOf(err) {
	case connector.Invalid, connector.Duplicate, connector.NotFound, connector.Conflict, connector.Unsupported:
		return false
	}
	e := connector.ErrorOf(unknown(err))
	for _, w := range part {
		w.result.Err = e
	}
	return true
}

func (c *conn) updateOne(ctx context.Context, s *shape, w *writing) error {
	for {
		_, err := c.do(ctx, rest.Call{
			Method: http.MethodPut, Path: contactPath(w.id), Query: url.Values{"identifierType": {"contact_id"}}, Body: w.input,
		})
		switch {
		case err == nil:
			return nil
		case w.dropTaken(err):
			if w.input.empty() {
				return nil
			}
			continue
		}
		return c.whose(ctx, s, w, unknown(err))
	}
}

func (c *conn) remove(ctx context.Context, id string) error {
	_, err := c.do(ctx, rest.Call{Method: http.MethodDelete, Path: contactPath(id), Query: url.Values{"identifierType": {"contact_id"}}})
	if connector.KindOf(err) == connector.NotFound {
		return nil // that is what was wanted
	}
	if err != nil {
		return fmt.Errorf("delete contact: %w", unknown(err))
	}
	return nil
}

// Erase removes a contact for good: Brevo has no bin.
func (c *conn) Erase(ctx context.Context, r record.Ref) error {
	if r.Object != contacts {
		return unsupported("erase %s: only contacts are people here", r.Object)
	}
	return c.remove(ctx, r.ID)
}

// readBack reads what was written. Brevo drops values without a word, so a value that is
// what it was before is a refusal (R2).
func (c *conn) readBack(ctx context.Context, s *shape, made []*writing) {
	ids := make([]string, len(made))
	for i, w := range made {
		ids[i] = w.id
	}
	there, err := c.readContacts(ctx, ids)
	if err != nil {
		return // it is written; the hub reads it itself
	}
	for _, w := range made {
		x, ok := there[w.id]
		if !ok {
			if w.op.Verb == connector.Update {
				w.result.Err = notFound(contacts, w.id)
			}
			continue
		}
		after := s.record(x)
		w.result.Version, w.result.After = after.Version, &after
		w.dropped(s, after)
	}
}

// dropped refuses what was sent and is not there.
func (w *writing) dropped(s *shape, after record.Record) {
	for _, name := range w.sent.Names() {
		v, got := w.sent[name], after.Fields[name]
		was, known := w.op.Was[name]
		granted := v.Text() == record.Granted && s.fields[name].Kind == record.KindConsent // which shows as nothing said
		if granted || s.fields[name].Echoes(got, v) || v.Equal(was) && known {
			continue
		}
		if got.Equal(was) {
			w.refuse(name, "Brevo took the call and left the value as it was")
			w.result.Refused[len(w.result.Refused)-1].Again = v.Text() == record.Denied && s.fields[name].Kind == record.KindConsent // R32: a no arrives
		}
	}
}
