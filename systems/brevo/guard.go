package brevo

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

// What keeps consents (R32): no contact is taken off a blocklist but by a yes of its person,
// and none is given another address while it is blocklisted, because Brevo takes it off then;
// see https://developers.brevo.com/reference/update-contact. Of numbers it does not say that,
// nor the contrary: they are kept as well.

// careful reports whether an operation needs to be held against the contact as it is now.
func careful(op connector.Op) bool {
	for _, name := range []string{fieldEmail, fieldLists, fieldMailNo, fieldSMS, fieldSMSNo} {
		if _, sets := op.Set[name]; sets {
			return true
		}
	}
	return false
}

// readBefore reads the contacts of the operations that need it.
func (c *conn) readBefore(ctx context.Context, all []*writing) {
	var ids []string
	for _, w := range all {
		if careful(w.op) {
			ids = append(ids, w.id)
		}
	}
	there, err := c.readContacts(ctx, ids)
	failed := connector.ErrorOf(err) // one error for all: nothing was written
	for _, w := range all {
		switch x, ok := there[w.id]; {
		case !careful(w.op):
		case err != nil:
			w.result.Err = failed
		case !ok:
			w.result.Err = notFound(contacts, w.id)
		default:
			w.before = &x
		}
	}
}

// fill makes what is sent, and refuses what is not.
func (w *writing) fill(s *shape) {
	creates := w.op.Verb == connector.Create
	for _, name := range w.op.Set.Names() {
		v := w.op.Set[name]
		f, known := s.fields[name]
		switch {
		case !known:
			w.refuse(name, "Brevo has no such attribute: make it there or with check --create-fields")
			continue
		case !f.Writable():
			w.refuse(name, "Brevo does not let this be written")
			continue
		case creates && v.IsEmpty():
			continue // nothing to clear
		}
		w.sent[name] = v
		switch name {
		case fieldEmail:
			w.address(v)
		case fieldMailNo:
			w.input.MailNo = w.block(name, v, w.before != nil && w.before.MailNo)
		case fieldSMSNo:
			w.input.SMSNo = w.block(name, v, w.before != nil && w.before.SMSNo)
		case fieldLists:
			w.memberships(v)
		case fieldSMS:
			w.number(f, v)
		case fieldExtID:
			text := v.Text()
			w.input.ExtID = &text
		default:
			w.value(f, v)
		}
		if w.result.Err != nil {
			return
		}
	}
}

func (w *writing) attribute(name string, v any) {
	if w.input.Attributes == nil {
		w.input.Attributes = map[string]any{}
	}
	w.input.Attributes[name] = v
}

// value adds an attribute.
func (w *writing) value(f record.Field, v record.Value) {
	encoded, err := encodeValue(f, v)
	if err != nil {
		w.result.Err = invalid(f.Name, err.Error(), remedy(f))
		return
	}
	w.attribute(f.Name, encoded)
}

func remedy(f record.Field) string {
	switch f.Kind {
	case record.KindPhone:
		return "write the number with its country code, as +30 210 1234567"
	case record.KindChoice, record.KindChoices:
		return "add the value to the attribute in Brevo, or map it to one that is there"
	default:
		return "correct the value, or map the field to an attribute of its type"
	}
}

// address sets the e-mail address, in two ways: a new contact has it outside its attributes.
func (w *writing) address(v record.Value) {
	yes := w.op.Set[fieldMailNo].Text() == record.Granted
	switch {
	case w.op.Verb == connector.Create:
		w.input.Email = v.Text()
	case v.IsEmpty():
		w.refuse(fieldEmail, "a contact's e-mail address cannot be emptied in Brevo")
	case w.before != nil && strings.EqualFold(w.before.Email, v.Text()): // Brevo knows no capitals in it
	case w.before != nil && w.before.MailNo && !yes:
		w.refuse(fieldEmail, "the contact is blocklisted, and with another address Brevo would take it off the blocklist: change it in Brevo, and see that the no is kept")
	default:
		w.attribute("EMAIL", v.Text())
	}
}

// number sets the number for text messages.
func (w *writing) number(f record.Field, v record.Value) {
	yes := w.op.Set[fieldSMSNo].Text() == record.Granted
	if w.before != nil && w.before.SMSNo && !yes && !same(f, decodeValue(f, w.before.Attributes[fieldSMS]).Text(), v.Text()) {
		w.refuse(fieldSMS, "the contact is blocklisted for text messages, and with another number it might not be any more: change it in Brevo, and see that the no is kept")
		return
	}
	w.value(f, v)
}

// block returns what to say of a blocklisting; nil = nothing. A no is always carried. What is
// no is lifted by a yes only, which reaches us only if the person gave it later.
func (w *writing) block(name string, v record.Value, blocked bool) *bool {
	no := v.Text() == record.Denied
	switch {
	case no && blocked, v.Text() == record.Granted && !blocked:
		return nil // as it is
	case no, v.Text() == record.Granted:
		return &no
	case blocked:
		w.refuse(name, "the contact is blocklisted, and only its own yes lifts that")
	}
	return nil
}

// memberships makes the move between lists: what is wanted and not there is added, what was
// there and is wanted no more is taken off, and of other lists nothing is said.
func (w *writing) memberships(v record.Value) {
	want, err := listIDs(v)
	if err != nil {
		w.result.Err = invalid(fieldLists, "a list has an ID that is a number", "map to lists that are in Brevo")
		return
	}
	if w.before == nil {
		w.input.Lists = want
		return
	}
	was := w.before.Lists
	if known, ok := w.op.Was[fieldLists]; ok {
		if was, err = listIDs(known); err != nil {
			was = w.before.Lists
		}
	}
	for _, id := range want {
		switch {
		case slices.Contains(w.before.Lists, id):
		case slices.Contains(w.before.Unsubscribed, id):
			w.refuse(fieldLists, "the person unsubscribed from list "+strconv.FormatInt(id, 10)+" and is not put on it again")
		default:
			w.input.Lists = append(w.input.Lists, id)
		}
	}
	for _, id := range was {
		if !slices.Contains(want, id) && slices.Contains(w.before.Lists, id) {
			w.input.Unlink = append(w.input.Unlink, id)
		}
	}
}

func listIDs(v record.Value) ([]int64, error) {
	var out []int64
	for _, item := range v.Items() {
		id, err := strconv.ParseInt(item.Text(), 10, 64)
		if err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, nil
}
