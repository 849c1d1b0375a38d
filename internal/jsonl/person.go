package jsonl

import (
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// A PersonDoc is everything that is known of a person.
type PersonDoc struct {
	Person   string         `json:"person"`
	Exported time.Time      `json:"exported"`
	Systems  []PersonSystem `json:"systems"`
	Links    []PersonLink   `json:"links"`
	Journal  []Entry        `json:"journal"`
	Reviews  []PersonReview `json:"reviews"`
	Events   []PersonEvent  `json:"events,omitempty"` // that were not told; what was told is in the journal
	Erasures []Erased       `json:"erasures,omitempty"`
}

// A PersonSystem is one connection with the records of a person.
type PersonSystem struct {
	Connection string         `json:"connection"`
	System     string         `json:"system"`
	Records    []PersonRecord `json:"records"`
}

// A PersonRecord is a record of a person, or one that mentions them.
type PersonRecord struct {
	Record   string         `json:"record"`
	Found    string         `json:"found"`
	Own      bool           `json:"own"` // false: it only mentions the person
	State    connector.Fate `json:"state,omitempty"`
	Read     *time.Time     `json:"read,omitempty"`
	Created  *time.Time     `json:"created,omitempty"`
	Modified *time.Time     `json:"modified,omitempty"`
	Fields   record.Fields  `json:"fields"`
}

// A PersonLink is what a record of a person is linked with.
type PersonLink struct {
	Sync   string           `json:"sync"`
	Left   string           `json:"left"`
	Right  string           `json:"right"`
	Closed string           `json:"closed,omitempty"`
	Agreed [2]record.Fields `json:"agreed"` // what the left and the right side held when both last agreed
}

// A PersonEvent is something that a person did, and that was not told.
type PersonEvent struct {
	Sync   string           `json:"sync"`
	Rule   string           `json:"rule"`
	Record string           `json:"record"`
	At     time.Time        `json:"at"`
	State  store.EventState `json:"state"`
	Why    string           `json:"why,omitempty"`
	Now    record.Fields    `json:"now,omitempty"`
	Before record.Fields    `json:"before,omitempty"`
	With   record.Fields    `json:"with,omitempty"`
}

// A PersonReview is what somebody was asked about a person.
type PersonReview struct {
	ID       int64            `json:"id"`
	Sync     string           `json:"sync"`
	Kind     store.ReviewKind `json:"kind"`
	Record   string           `json:"record,omitempty"`
	Text     string           `json:"text"`
	Field    string           `json:"field,omitempty"`
	Values   [2]record.Value  `json:"values"`
	Opened   time.Time        `json:"opened"`
	Decision string           `json:"decision,omitempty"`
	By       string           `json:"by,omitempty"`
	Entered  *PersonEdit      `json:"entered,omitempty"`
}

// A PersonEdit is what somebody entered about a person.
type PersonEdit store.Edit

// OfPerson tells everything that is known of a person.
func OfPerson(p engine.Person, now time.Time) PersonDoc {
	doc := PersonDoc{Person: p.Key.String(), Exported: now.UTC(), Systems: []PersonSystem{}, Links: []PersonLink{}, Journal: []Entry{}, Reviews: []PersonReview{}}
	at := map[string]int{}
	for _, r := range p.Records {
		i, ok := at[r.Of.Connection]
		if !ok {
			i = len(doc.Systems)
			at[r.Of.Connection] = i
			doc.Systems = append(doc.Systems, PersonSystem{Connection: r.Of.Connection, System: r.System})
		}
		doc.Systems[i].Records = append(doc.Systems[i].Records, PersonRecord{Record: r.Of.String() + "/" + r.ID, Found: r.How, Own: r.Own, State: r.Row.Fate,
			Read: moment(r.Row.ReadAt), Created: moment(r.Row.Created), Modified: moment(r.Row.Modified), Fields: r.Row.Fields})
	}
	for _, l := range p.Links {
		doc.Links = append(doc.Links, PersonLink{Sync: l.Sync, Left: l.Ends[0].String() + "/" + l.IDs[0], Right: l.Ends[1].String() + "/" + l.IDs[1],
			Closed: l.Closed, Agreed: l.Base})
	}
	for _, e := range p.Journal {
		doc.Journal = append(doc.Journal, OfEntry(e))
	}
	for _, r := range p.Reviews {
		doc.Reviews = append(doc.Reviews, PersonReview{ID: r.ID, Sync: r.Sync, Kind: r.Kind, Record: r.Record, Text: r.Text, Field: r.Field,
			Values: r.Values, Opened: r.Opened, Decision: r.Decision, By: r.By, Entered: (*PersonEdit)(r.Edit)})
	}
	for _, e := range p.Events {
		doc.Events = append(doc.Events, PersonEvent{Sync: e.Sync, Rule: e.Rule, Record: e.Of.String() + "/" + e.Record, At: e.At, State: e.State, Why: e.Error,
			Now: e.Now, Before: e.Old, With: e.Properties})
	}
	for _, x := range p.Receipts {
		doc.Erasures = append(doc.Erasures, OfErased(engine.ErasedRecord{Erasure: x}))
	}
	return doc
}

// An Erased is one receipt of an erasure.
type Erased struct {
	Record string    `json:"record"`
	Status string    `json:"status"` // erased, by hand, waits
	Asked  string    `json:"asked"`
	Answer string    `json:"answer,omitempty"`
	At     time.Time `json:"at"`
	By     string    `json:"by,omitempty"`
	ByHand string    `json:"by_hand,omitempty"`
	Waits  string    `json:"waits,omitempty"`
}

// OfErased tells what became of one record of a person.
func OfErased(x engine.ErasedRecord) Erased {
	line := Erased{Record: x.Of.String() + "/" + x.Record, Status: "erased", Asked: x.Asked, Answer: x.Answer, At: x.At.UTC(), By: x.By, ByHand: x.ByHand, Waits: x.Waits}
	switch {
	case x.Waits != "" || x.Answer == "":
		line.Status = "waits"
	case x.ByHand != "":
		line.Status = "by hand"
	}
	return line
}

// A Found is one record that was found of a person, before it is erased.
type Found struct {
	Record string `json:"record"`
	Status string `json:"status"` // found, mentions
	System string `json:"system"`
	Title  string `json:"title,omitempty"`
	Found  string `json:"found"`
	Asks   string `json:"asks"`
}

// OfFound tells a record that was found of a person.
func OfFound(r engine.PersonRecord) Found {
	line := Found{Record: r.Of.String() + "/" + r.ID, Status: "mentions", System: r.System, Title: r.Title, Found: r.How, Asks: r.Asks}
	if r.Own {
		line.Status = "found"
	}
	return line
}
