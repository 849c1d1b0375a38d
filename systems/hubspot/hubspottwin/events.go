package hubspottwin

import (
	"maps"
	"slices"
	"strconv"
	"time"
)

// An event is something that happened to a record, before webhooks and the journal put it
// into their words.
type event struct {
	what    string // creation, propertyChange, deletion, restore, merge, associationChange, privacyDeletion
	o       *object
	id      int64
	by      string // person or api
	at      time.Time
	values  map[string]string // what was written, of creations and changes
	merge   *mergeEvent
	between *tieEvent
}

type mergeEvent struct {
	primary, into int64
	merged        []int64
	moved         int
}

type tieEvent struct {
	to       *object
	id       int64
	kind     linkType
	back     bool
	removed  bool
	primary  bool
	typeName string
}

// happened tells webhooks and the journal of something. Without a target and without
// subscriptions that costs nothing.
func (a *Account) happened(e event) {
	if a.hook != nil {
		a.enqueue(e)
	}
	if len(a.journal.subscriptions) > 0 {
		a.journal.note(e)
	}
}

func (a *Account) listening() bool { return a.hook != nil || len(a.journal.subscriptions) > 0 }

// reported makes an event of an act.
func (a *Account) reported(by, verb string, o *object, x *rec, now time.Time) {
	if !a.listening() {
		return
	}
	what := map[string]string{"create": "creation", "archive": "deletion", "restore": "restore"}[verb]
	if what == "" {
		return
	}
	e := event{what: what, o: o, id: x.id, by: by, at: now}
	if verb == "create" {
		e.values = maps.Clone(x.props)
	}
	a.happened(e)
}

// changed tells of properties that were changed.
func (a *Account) changed(o *object, x *rec, names []string, by string, now time.Time) {
	if len(names) == 0 || !a.listening() {
		return
	}
	e := event{what: "propertyChange", o: o, id: x.id, by: by, at: now, values: map[string]string{}}
	for _, n := range names {
		e.values[n] = x.props[n]
	}
	a.happened(e)
}

// tied tells both objects of an association that came or went.
func (a *Account) tied(r *relation, from, to int64, types []int, removed bool, by string, now time.Time) {
	if !a.listening() {
		return
	}
	for _, n := range types {
		for _, back := range []bool{false, true} {
			t := &tieEvent{to: r.to, id: to, kind: r.types[n], back: back, removed: removed, primary: r.primary > 0 && n == r.primary}
			e := event{what: "associationChange", o: r.from, id: from, by: by, at: now, between: t}
			if back {
				e.o, e.id, t.to, t.id = r.to, to, r.from, from
			}
			t.typeName = e.o.legacy + "_TO_" + t.to.legacy
			a.happened(e)
		}
	}
}

// merged tells of a merge.
func (a *Account) merged(o *object, keep, lose, into int64, moved int, by string, now time.Time) {
	if !a.listening() {
		return
	}
	a.happened(event{what: "merge", o: o, id: into, by: by, at: now, merge: &mergeEvent{primary: keep, into: into, merged: []int64{lose}, moved: moved}})
}

// privacy tells that a record was deleted for good, on its person's wish.
func (a *Account) privacy(o *object, x *rec, by string, now time.Time) {
	a.happened(event{what: "privacyDeletion", o: o, id: x.id, by: by, at: now})
}

// A hookEvent is an event as webhooks post it; see
// https://developers.hubspot.com/docs/api-reference/latest/webhooks/guide#webhooks-payloads
type hookEvent struct {
	EventID          int64  `json:"eventId"`
	SubscriptionID   int64  `json:"subscriptionId"`
	PortalID         int64  `json:"portalId"`
	AppID            int64  `json:"appId"`
	OccurredAt       int64  `json:"occurredAt"`
	SubscriptionType string `json:"subscriptionType"`
	AttemptNumber    int    `json:"attemptNumber"`
	ObjectID         int64  `json:"objectId,omitempty"`
	ObjectTypeID     string `json:"objectTypeId,omitempty"`
	ChangeSource     string `json:"changeSource"`
	SourceID         string `json:"sourceId,omitempty"`
	ChangeFlag       string `json:"changeFlag,omitempty"`

	PropertyName  string  `json:"propertyName,omitempty"`
	PropertyValue *string `json:"propertyValue,omitempty"`

	PrimaryObjectID int64   `json:"primaryObjectId,omitempty"`
	MergedObjectIDs []int64 `json:"mergedObjectIds,omitempty"`
	NewObjectID     int64   `json:"newObjectId,omitempty"`
	Moved           *int    `json:"numberOfPropertiesMoved,omitempty"`

	AssociationType     string `json:"associationType,omitempty"`
	AssociationTypeID   int    `json:"associationTypeId,omitempty"`
	AssociationCategory string `json:"associationCategory,omitempty"`
	FromObjectID        int64  `json:"fromObjectId,omitempty"`
	FromObjectTypeID    string `json:"fromObjectTypeId,omitempty"`
	ToObjectID          int64  `json:"toObjectId,omitempty"`
	ToObjectTypeID      string `json:"toObjectTypeId,omitempty"`
	AssociationRemoved  *bool  `json:"associationRemoved,omitempty"`
	IsPrimary           *bool  `json:"isPrimaryAssociation,omitempty"`
}

// posts returns what webhooks make of an event: a write of several properties is as many
// events.
func (a *Account) posts(e event) []hookEvent {
	p := hookEvent{
		PortalID: portalID, AppID: appID, OccurredAt: e.at.UnixMilli(), SubscriptionType: e.o.family + "." + e.what,
		ObjectID: e.id, ChangeSource: "CRM_UI", SourceID: "userId:900001",
	}
	if e.by == "api" {
		p.ChangeSource, p.SourceID = "INTEGRATION", strconv.Itoa(appID)
	}
	if e.o.family == "object" {
		p.ObjectTypeID = e.o.typeID
	}
	switch {
	case e.what == "creation":
		p.ChangeFlag = "NEW"
	case e.what == "deletion", e.what == "restore":
		p.ChangeFlag = map[string]string{"deletion": "DELETED", "restore": "RESTORED"}[e.what]
	case e.merge != nil:
		m := e.merge
		p.PrimaryObjectID, p.MergedObjectIDs, p.NewObjectID, p.Moved = m.primary, m.merged, m.into, &m.moved
	case e.between != nil:
		t := e.between
		p.ObjectID = 0
		p.AssociationType, p.AssociationTypeID, p.AssociationCategory = t.typeName, t.kind.id(t.back), t.kind.category
		p.FromObjectID, p.FromObjectTypeID, p.ToObjectID, p.ToObjectTypeID = e.id, e.o.typeID, t.id, t.to.typeID
		p.AssociationRemoved, p.IsPrimary = &t.removed, &t.primary
	}
	var out []hookEvent
	if e.what != "propertyChange" {
		out = append(out, p)
	}
	for _, name := range slices.Sorted(maps.Keys(e.values)) {
		c, v := p, e.values[name]
		c.SubscriptionType, c.ChangeFlag, c.PropertyName, c.PropertyValue = e.o.family+".propertyChange", "", name, &v
		out = append(out, c)
	}
	return out
}
