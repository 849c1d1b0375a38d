package brevo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

const (
	// keyProperty carries an event's key: Brevo itself does not tell a repetition apart.
	keyProperty = "tandem_key"
	keyLabel    = "Tandem key" // of the attribute of companies and deals; its name Brevo makes of it
	maxEvents   = 100          // of one batch; the reference states no number
	maxTold     = 10000
)

// eventInput is an event to tell; see https://developers.brevo.com/reference/create-event
type eventInput struct {
	Name        string         `json:"event_name"`
	Date        string         `json:"event_date,omitempty"`
	Identifiers map[string]any `json:"identifiers"`
	Properties  map[string]any `json:"event_properties,omitempty"`
	Object      *aboutInput    `json:"object,omitempty"`
}

type aboutInput struct {
	Type        string            `json:"type"`
	Identifiers map[string]string `json:"identifiers"`
}

// Track tells Brevo of events: one alone is answered at once, several are taken for later.
func (c *conn) Track(ctx context.Context, events []connector.Event) ([]connector.Result, error) {
	out := make([]connector.Result, len(events))
	var ready []int
	inputs := make([]eventInput, len(events))
	for i, e := range events {
		in, err := eventOf(e)
		if inputs[i] = in; err != nil {
			out[i].Err = err
			continue
		}
		ready = append(ready, i)
	}
	for rest := ready; len(rest) > 0; {
		part := rest[:min(len(rest), maxEvents)]
		errs := c.tellPart(ctx, inputs, part)
		for i, at := range part {
			out[at].Err = eventError(errs[i])
		}
		rest = rest[len(part):]
		if last := errs[len(errs)-1]; halts(last) { // the others would meet the same, and were not sent
			for _, at := range rest {
				out[at].Err = eventError(last)
			}
			break
		}
	}
	if first := firstError(out); halts(first) && !slices.ContainsFunc(out, func(r connector.Result) bool { return !halts(r.Err) }) {
		return nil, first
	}
	return out, nil
}

// tellPart tells events of one call, and returns what came of each. Those that are not taken
// together are told one by one, so that only the one at fault is not taken.
func (c *conn) tellPart(ctx context.Context, inputs []eventInput, part []int) []error {
	ins := make([]eventInput, len(part))
	for i, at := range part {
		ins[i] = inputs[at]
	}
	errs := make([]error, len(part))
	failed, err := c.tell(ctx, ins)
	single := len(part) > 1 && connector.KindOf(err) == connector.Invalid
	var halted error
	for i := range part {
		switch {
		case halted != nil:
			errs[i] = halted
		case single:
			one, err := c.tell(ctx, ins[i:i+1])
			if errs[i] = err; err == nil {
				errs[i] = one[0]
			}
			if halts(errs[i]) {
				halted = errs[i]
			}
		default:
			if errs[i] = err; err == nil {
				errs[i] = failed[i]
			}
		}
	}
	return errs
}

func firstError(out []connector.Result) error {
	if len(out) == 0 {
		return nil
	}
	return out[0].Err
}

func eventError(err error) error {
	if err == nil {
		return nil
	}
	return connector.ErrorOf(unknown(fmt.Errorf("tell events: %w", err)))
}

// batchTaken is how Brevo takes several events: all for later, or some and others not, with a word
// on each of these; see https://developers.brevo.com/reference/create-batch-events
type batchTaken struct {
	Count  *int `json:"count"`
	Failed int  `json:"failed_events"`
	Errors []struct {
		Which   []int  `json:"eventIndex"`
		Message string `json:"message"`
	} `json:"errors"`
}

// tell makes one call, and returns what was wrong with single events of it.
func (c *conn) tell(ctx context.Context, ins []eventInput) ([]error, error) {
	failed := make([]error, len(ins))
	if len(ins) == 1 {
		_, err := c.do(ctx, rest.Call{Method: http.MethodPost, Path: "/v3/events", Body: ins[0]})
		return failed, err
	}
	var answer batchTaken
	_, err := c.do(ctx, rest.Call{Method: http.MethodPost, Path: "/v3/events/batch", Body: map[string]any{"events": ins}, Into: &answer})
	if err != nil {
		return failed, err
	}
	named := 0
	for _, e := range answer.Errors {
		for _, i := range e.Which {
			if i >= 0 && i < len(ins) && failed[i] == nil {
				failed[i], named = invalid("", firstText(e.Message, "Brevo gave no reason"), "correct the event"), named+1
			}
		}
	}
	if answer.Count != nil && *answer.Count != len(ins) || answer.Failed > named {
		return failed, &connector.Error{ // which of them, it does not say
			Kind: connector.Ambiguous, Scope: connector.ScopeRecord, Err: fmt.Errorf("of %d events Brevo took not all", len(ins)),
		}
	}
	return failed, nil
}

// eventOf makes the event that Brevo takes.
func eventOf(e connector.Event) (eventInput, error) {
	in := eventInput{Name: e.Name, Identifiers: map[string]any{}, Properties: properties(e.Properties)}
	plain := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' {
			return r
		}
		return -1
	}, e.Name)
	if plain == "" || plain != e.Name || len(e.Name) > 255 {
		return in, invalid("name", "an event's name has letters, digits, - and _ only, 255 at most", "give the event another name")
	}
	if id, err := strconv.ParseInt(e.Person.ID, 10, 64); err == nil {
		in.Identifiers["contact_id"] = id
	}
	if e.Person.Email != "" {
		in.Identifiers["email_id"] = e.Person.Email
	}
	if number, err := encodePhone(e.Person.Phone); err == nil {
		in.Identifiers["phone_id"] = number
	}
	if len(in.Identifiers) == 0 {
		return in, invalid("person", "nothing says to whom the event happened", "give the person an e-mail address, or a telephone number with its country code")
	}
	if e.Key != "" {
		in.Properties[keyProperty] = e.Key
	}
	if !e.At.IsZero() {
		in.Date = stamped(e.At)
	}
	if e.About.ID != "" {
		in.Object = &aboutInput{Type: e.About.Object, Identifiers: map[string]string{"id": e.About.ID}}
	}
	return in, nil
}

// properties makes JSON of values: numbers and booleans are told as such, so that Brevo's
// conditions can compare them.
func properties(f record.Fields) map[string]any {
	out := make(map[string]any, len(f)+1)
	for name, v := range f {
		if !v.IsEmpty() {
			out[name] = property(v)
		}
	}
	return out
}

func property(v record.Value) any {
	switch {
	case v.IsList():
		var items []any
		for _, item := range v.Items() {
			items = append(items, property(item))
		}
		return items
	case v.Fields() != nil:
		return properties(v.Fields())
	case v.Text() == "true", v.Text() == "false":
		return v.Bool()
	}
	if n, ok := record.Number(v.Text()); ok && n.Text() == v.Text() && len(v.Text()) <= 15 {
		return json.Number(v.Text())
	}
	return v.Text()
}

// Tracked looks the events up by the keys that travelled with them, those of one name in one
// call: such calls are few.
func (c *conn) Tracked(ctx context.Context, events []connector.Event) ([]bool, error) {
	out := make([]bool, len(events))
	byName := map[string][]int{}
	for i, e := range events {
		byName[e.Name] = append(byName[e.Name], i)
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		which := byName[name]
		from, to := span(events, which)
		keys, err := c.told(ctx, name, from, to)
		if err != nil {
			return nil, fmt.Errorf("look events up: %w", err)
		}
		for _, i := range which {
			out[i] = keys[events[i].Key]
		}
	}
	return out, nil
}

// span is the time in which events happened, a day more on both sides; an event without a
// time got that of the call.
func span(events []connector.Event, which []int) (from, to time.Time) {
	from, to = time.Now(), time.Now()
	for _, i := range which {
		if at := events[i].At; !at.IsZero() {
			if at.Before(from) {
				from = at
			}
			if at.After(to) {
				to = at
			}
		}
	}
	return from.Add(-24 * time.Hour), to.Add(24 * time.Hour)
}

// told returns the keys of the events of a name; see https://developers.brevo.com/reference/get-events
func (c *conn) told(ctx context.Context, name string, from, to time.Time) (map[string]bool, error) {
	keys := map[string]bool{}
	for offset := 0; ; offset += maxTold {
		q := url.Values{
			"event_name": {name}, "startDate": {from.UTC().Format(time.RFC3339)}, "endDate": {to.UTC().Format(time.RFC3339)},
			"limit": {strconv.Itoa(maxTold)}, "offset": {strconv.Itoa(offset)},
		}
		var answer struct {
			Events []struct {
				Properties map[string]any `json:"event_properties"`
			} `json:"events"`
			Count int `json:"count"`
		}
		if _, err := c.do(ctx, rest.Call{Path: "/v3/events", Query: q, Into: &answer}); err != nil {
			return nil, err
		}
		for _, e := range answer.Events {
			if key := scalar(e.Properties[keyProperty]); key != "" {
				keys[key] = true
			}
		}
		switch {
		case len(answer.Events) == 0, offset+len(answer.Events) >= answer.Count:
			return keys, nil
		case len(answer.Events) < maxTold:
			return nil, errors.New("the list of events breaks off")
		}
	}
}
