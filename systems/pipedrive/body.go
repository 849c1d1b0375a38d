package pipedrive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

// A draft is the body of a write. Where Pipedrive takes a value as a whole and a field is
// part of it, the record is read first, so that the other parts stay (R1).
type draft struct {
	c    *conn
	s    *shape
	id   string // "" for a create
	now  row    // the record as it is; nil = not read
	body map[string]any
	own  map[string]any // the custom fields
}

// draft makes the body that sets fields.
func (c *conn) draft(ctx context.Context, s *shape, op connector.Op) (*draft, error) {
	d := &draft{c: c, s: s, id: op.Ref.ID, body: map[string]any{}}
	if d.own = d.body; !s.kind.flat {
		d.own = map[string]any{}
	}
	parts := map[string]record.Fields{}
	for _, name := range op.Set.Names() {
		f, ok := s.fields[name]
		if !ok {
			return nil, &connector.Error{
				Kind: connector.Invalid, Scope: connector.ScopeRecord, Field: name, Fix: "tandem fields shows the fields that there are",
				Err: fmt.Errorf("%s have no field %q", s.kind.name, name),
			}
		}
		if whole := d.wholeOf(f); whole != "" {
			if parts[whole] == nil {
				parts[whole] = record.Fields{}
			}
			parts[whole][name] = op.Set[name]
			continue
		}
		if v := op.Set[name]; d.id != "" || !v.IsEmpty() { // a new record has nothing to clear
			d.set(f, v)
		}
	}
	for _, whole := range slices.Sorted(maps.Keys(parts)) {
		if err := d.join(ctx, whole, parts[whole]); err != nil {
			return nil, err
		}
	}
	if !s.kind.flat && len(d.own) > 0 {
		d.body[keyCustom] = d.own
	}
	return d, nil
}

// wholeOf returns what a field is a part of, "" if it stands alone.
func (d *draft) wholeOf(f record.Field) string {
	switch {
	case d.s.kind.name == persons && f.Name == fieldEmails, strings.Contains(f.Name, "."):
		return key(f.Name)
	case d.s.kind.name == persons && f.Name == fieldPhones:
		return fieldPhones
	case d.s.kind.name == activities && f.Name == fieldPerson:
		return keyParticipants
	}
	return ""
}

// set sets a field that stands alone.
func (d *draft) set(f record.Field, v record.Value) {
	switch {
	case f.Name == fieldDue:
		d.body["due_date"], d.body["due_time"] = nil, nil
		if t := v.Time(); !t.IsZero() {
			d.body["due_date"], d.body["due_time"] = t.Format(time.DateOnly), t.Format("15:04")
		} else if !v.IsEmpty() {
			d.body["due_date"] = v.Text()
		}
	case f.Name == fieldDuration && d.s.kind.log:
		d.body[fieldDuration] = v.Decimal().Truncate(0).String() // seconds, as a text
	case f.Name == fieldDuration:
		d.body[fieldDuration] = nil
		if !v.IsEmpty() {
			m := v.Decimal().IntPart() / 60
			d.body[fieldDuration] = fmt.Sprintf("%02d:%02d", m/60, m%60)
		}
	case f.Custom:
		d.own[f.Name] = d.s.kind.encodeValue(f, v)
	default:
		d.body[f.Name] = d.s.kind.encodeValue(f, v)
	}
}

// join sets a value of which fields are parts.
func (d *draft) join(ctx context.Context, whole string, set record.Fields) error {
	if d.id != "" && d.now == nil {
		var err error
		if d.now, err = d.c.getRow(ctx, d.s.kind, d.id); err != nil {
			return err
		}
	}
	switch whole {
	case fieldEmails, fieldPhones:
		var all ways
		if err := d.list(whole, &all); err != nil {
			return err
		}
		was := all.mainAddress()
		for _, name := range set.Names() {
			all = all.with(name, set[name].Text())
		}
		if now := all.mainAddress(); whole == fieldEmails && d.id != "" && now != "" && !strings.EqualFold(was, now) {
			d.keepNo()
		}
		if d.id != "" || len(all) > 0 {
			d.body[whole] = all
		}
	case keyParticipants:
		return d.participants(set[fieldPerson].Text())
	case keyPrices:
		return d.prices(set)
	default:
		return d.object(whole, set)
	}
	return nil
}

// list reads a list of which a part is to be changed. One that cannot be read is left alone:
// it would be written back without what it holds (R11).
func (d *draft) list(key string, into any) error {
	raw := d.now[key]
	if isNull(raw) {
		return nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return &connector.Error{
			Kind: connector.Invalid, Scope: connector.ScopeRecord, Field: key, Fix: "look at the record in Pipedrive, or look for a newer Tandem",
			Err: fmt.Errorf("the %s that are there cannot be read, so none is changed: %w", key, err),
		}
	}
	return nil
}

// participants makes a person the main participant of an activity, which is the only way to
// set its person.
func (d *draft) participants(person string) error {
	type participant struct {
		ID      json.Number `json:"person_id"`
		Primary bool        `json:"primary"`
	}
	var was []participant
	if err := d.list(keyParticipants, &was); err != nil {
		return err
	}
	all := []participant{}
	if person != "" {
		all = append(all, participant{json.Number(person), true})
	}
	for _, p := range was {
		if !p.Primary && string(p.ID) != person {
			all = append(all, participant{p.ID, false})
		}
	}
	d.body[keyParticipants] = all
	return nil
}

// prices changes the first price of a product and keeps those in other currencies.
func (d *draft) prices(set record.Fields) error {
	var was []row
	if err := d.list(keyPrices, &was); err != nil {
		return err
	}
	all := []map[string]any{}
	for _, p := range was {
		one := map[string]any{}
		for _, name := range []string{"price", "currency", "cost", "direct_cost", "overhead_cost", "notes"} {
			if !isNull(p[name]) {
				one[name] = p[name]
			}
		}
		all = append(all, one)
	}
	if len(all) == 0 {
		all = append(all, map[string]any{})
	}
	for name, v := range set {
		if _, part, _ := strings.Cut(name, "."); !v.IsEmpty() {
			all[0][part] = d.s.kind.encodeValue(d.s.fields[name], v)
		}
	}
	d.body[keyPrices] = all
	return nil
}

// object sets a value that is an object: an address, money with its currency, a time.
func (d *draft) object(whole string, set record.Fields) error {
	custom := isHash(whole)
	from := d.now
	if custom && !d.s.kind.flat {
		from = d.now.object(keyCustom)
	}
	if custom && d.s.kind.flat && from.text(whole) != "" {
		d.flat(whole, set)
		return nil
	}
	all := map[string]any{}
	was := from.object(whole)
	made := was.text("value") == composed(was.text) // by us, and to be made anew
	for name, raw := range was {
		if !isNull(raw) && name != "formatted_address" && name != "timezone_id" && (!made || name != "value") {
			all[name] = raw
		}
	}
	for name, v := range set {
		_, part, _ := strings.Cut(name, ".")
		if all[part] = d.s.kind.encodeValue(d.s.fields[name], v); all[part] == nil {
			delete(all, part)
		}
	}
	v, err := d.finish(whole, all)
	if err != nil {
		return err
	}
	if d.id == "" && v == nil {
		return nil
	}
	if custom {
		d.own[whole] = v
	} else {
		d.body[whole] = v
	}
	return nil
}

// flat sets parts of a value that version 1 shows side by side; what is not named stays.
func (d *draft) flat(whole string, set record.Fields) {
	for name, v := range set {
		_, part, _ := strings.Cut(name, ".")
		if part == "value" {
			name = whole
		} else {
			name = whole + "_" + part
		}
		d.own[name] = d.s.kind.encodeValue(d.s.fields[whole+"."+part], v)
	}
}

// finish adds what Pipedrive demands of an object besides what was set. nil clears it.
func (d *draft) finish(whole string, all map[string]any) (any, error) {
	has := func(part string) bool { _, ok := d.s.fields[whole+"."+part]; return ok }
	switch {
	case has("amount"): // of leads
		if all["amount"] == nil {
			return nil, nil
		}
		if all["currency"] == nil {
			return nil, &connector.Error{
				Kind: connector.Invalid, Scope: connector.ScopeRecord, Field: whole + ".currency", Fix: "map the currency, too",
				Err: errors.New("a lead's value needs a currency"),
			}
		}
	case has("currency"), has("until"):
		if all["value"] == nil {
			return nil, nil
		}
	case has("locality"), has("formatted_address"), !isHash(whole):
		if all["value"] == nil { // the one part that it cannot be without
			all["value"] = composed(func(part string) string { return text(all[part]) })
		}
		if all["value"] == "" {
			return nil, nil
		}
		return all, nil
	case all["value"] == nil:
		return nil, nil
	}
	if isHash(whole) && all["timezone_name"] == nil && strings.Contains(fmt.Sprint(text(all["value"])), ":") {
		all["timezone_name"] = d.c.zoneName()
	}
	return all, nil
}

// composed writes the parts of an address on one line.
func composed(part func(string) string) string {
	var parts []string
	for _, name := range []string{"route", "street_number", "postal_code", "locality", "admin_area_level_1", "country"} {
		if s := part(name); s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ", ")
}

// text returns a text that is to be sent.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.RawMessage:
		return row{"": v}.text("")
	default:
		return ""
	}
}

// zoneName is the zone of times that have none yet.
func (c *conn) zoneName() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.zone == "" {
		return "UTC"
	}
	return c.zone
}
