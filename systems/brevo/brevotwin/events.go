package brevotwin

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// An event that happened to a contact.
type event struct {
	contact    int64
	name       string
	at         time.Time
	properties map[string]any
	object     string
}

type eventInput struct {
	Name        string         `json:"event_name"`
	Date        string         `json:"event_date"`
	Identifiers map[string]any `json:"identifiers"`
	Properties  map[string]any `json:"event_properties"`
	OfContact   map[string]any `json:"contact_properties"`
	Object      *struct {
		Type        string            `json:"type"`
		Identifiers map[string]string `json:"identifiers"`
	} `json:"object"`
}

// eventsCall answers /events; see https://developers.brevo.com/reference/create-event
func (a *Account) eventsCall(r *request) (int, any) {
	switch {
	case r.Method == http.MethodGet && len(r.path) == 1:
		return a.listEvents(r)
	case r.Method == http.MethodPost && len(r.path) == 1:
		var in eventInput
		if f := r.decode(&in); f != nil {
			return failed(f)
		}
		if f := in.check(); f != nil {
			return failed(f)
		}
		a.happen(in, r)
		return 204, nil
	case r.Method == http.MethodPost && len(r.path) == 2 && r.path[1] == "batch":
		var in struct {
			Events []eventInput `json:"events"`
		}
		if f := r.decode(&in); f != nil {
			return failed(f)
		}
		for _, e := range in.Events {
			if f := e.check(); f != nil {
				return failed(f)
			}
		}
		for _, e := range in.Events {
			a.happen(e, r)
		}
		return 202, map[string]any{"message": "accepted", "count": len(in.Events)}
	}
	return a.unknown(r)
}

func (in eventInput) check() *failure {
	if !regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`).MatchString(in.Name) {
		return invalid("event_name is not valid")
	}
	if len(in.Identifiers) == 0 {
		return missing("at least one identifier is required")
	}
	if in.Date != "" {
		if _, err := time.Parse(time.RFC3339Nano, in.Date); err != nil {
			return invalid("event_date is not valid")
		}
	}
	return nil
}

// happen keeps an event. A person who is not known yet is not made a contact here: whether
// the vendor does that is not documented.
func (a *Account) happen(in eventInput, r *request) {
	e := event{name: in.Name, at: r.now, properties: in.Properties}
	if e.properties == nil {
		e.properties = map[string]any{}
	}
	if t, err := time.Parse(time.RFC3339Nano, in.Date); err == nil {
		e.at = t
	}
	for kind, v := range in.Identifiers {
		text, _ := v.(string)
		if n, ok := v.(interface{ Int64() (int64, error) }); ok {
			id, _ := n.Int64()
			text = strconv.FormatInt(id, 10)
		}
		if x := a.by(kind, text); x != nil && (e.contact == 0 || kind == "contact_id") { // which goes before all others
			e.contact = x.id
		}
	}
	if x := a.contacts[e.contact]; x != nil && len(in.OfContact) > 0 {
		_ = a.change(x, contactInput{Attributes: in.OfContact}, r, "api") // what is wrong with it is not told
	}
	if in.Object != nil {
		e.object = in.Object.Type
	}
	a.events = append(a.events, e)
	key, _ := in.Properties["tandem_key"].(string)
	a.act("api", "create", "events", key, map[string]string{"event_name": in.Name})
}

// day reads a time of a query, which may also be a day: from its beginning, or to its end.
func day(q map[string][]string, name string, long time.Duration) (time.Time, *failure) {
	if len(q[name]) > 0 {
		if t, err := time.Parse(time.DateOnly, q[name][0]); err == nil {
			return t.Add(long), nil
		}
	}
	return moment(q, name)
}

// listEvents shows events, the newest first; see https://developers.brevo.com/reference/get-events
func (a *Account) listEvents(r *request) (int, any) {
	q := r.query("contact_id", "event_name", "object_type", "startDate", "endDate", "limit", "offset")
	limit, offset, f := a.window(q, 100, 10000)
	if f != nil {
		return failed(f)
	}
	from, f := day(q, "startDate", 0)
	if f != nil {
		return failed(f)
	}
	to, f := day(q, "endDate", 24*time.Hour)
	if f != nil {
		return failed(f)
	}
	switch {
	case from.IsZero() != to.IsZero():
		return failed(invalid("startDate and endDate are mandatory together"))
	case from.After(to):
		return failed(invalid("startDate is after endDate"))
	case from.IsZero():
		from, to = r.now.AddDate(0, -6, 0), r.now.AddDate(100, 0, 0)
	}
	has := func(name, value string) bool { return q.Get(name) == "" || slices.Contains(q[name], value) }
	all := slices.DeleteFunc(slices.Clone(a.events), func(e event) bool {
		return !has("event_name", e.name) || !has("contact_id", strconv.FormatInt(e.contact, 10)) || !has("object_type", e.object) ||
			e.at.Before(from) || e.at.After(to)
	})
	slices.SortStableFunc(all, func(x, y event) int { return y.at.Compare(x.at) })
	out := []any{}
	for _, e := range part(all, offset, limit) {
		out = append(out, map[string]any{
			"contact_id": e.contact, "event_name": e.name, "event_date": stamped(e.at), "object_type": e.object,
			"event_properties": e.properties, "contact_properties": map[string]any{},
		})
	}
	return 200, map[string]any{"events": out, "count": len(all)}
}
