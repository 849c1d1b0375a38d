package hubspot

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/record"
)

// event is what happened to a record, as webhooks and the journal tell it. Which members
// there are depends on what it is; see
// https://developers.hubspot.com/docs/api-reference/latest/webhooks/guide
type event struct {
	Portal   flexText `json:"portalId"`
	Type     flexText `json:"subscriptionType"` // "contact.creation"
	Alias    flexText `json:"eventType"`        // its name in some pages
	TypeID   flexText `json:"objectTypeId"`     // "0-1"; of the events of all objects, and of the journal
	ObjectID flexText `json:"objectId"`

	// Of merges.
	Primary flexText  `json:"primaryObjectId"`
	Merged  flexTexts `json:"mergedObjectIds"`
	New     flexText  `json:"newObjectId"`

	// Of associations.
	Association flexText `json:"associationType"` // "CONTACT_TO_COMPANY"
	From        flexText `json:"fromObjectId"`
	FromType    flexText `json:"fromObjectTypeId"`
	To          flexText `json:"toObjectId"`
	ToType      flexText `json:"toObjectTypeId"`
}

// flexTexts is a list of texts or numbers; what is none is empty.
type flexTexts []flexText

// UnmarshalJSON never fails: an event is a hint, and half of one is better than none.
func (f *flexTexts) UnmarshalJSON(b []byte) error {
	var all []flexText
	if json.Unmarshal(b, &all) == nil {
		*f = all
	}
	return nil
}

// refs returns the records that an event is about. An object that we do not know has none.
func (e event) refs() []record.Ref {
	var out []record.Ref
	add := func(object string, ids ...flexText) {
		for _, id := range ids {
			if s := string(id); object != "" && s != "" && s != "0" && digits(s) == s {
				out = append(out, record.Ref{Object: object, ID: s})
			}
		}
	}
	name := string(e.Type)
	if name == "" {
		name = string(e.Alias)
	}
	family, _, _ := strings.Cut(name, ".")
	object := objectOf(string(e.TypeID))
	if object == "" {
		object = eventObject(family)
	}
	add(object, e.ObjectID, e.Primary)
	add(object, e.Merged...)
	add(object, e.New)
	from, to, _ := strings.Cut(strings.ToLower(string(e.Association)), "_to_")
	add(end(e.FromType, from), e.From)
	add(end(e.ToType, to), e.To)
	return out
}

// end returns the object of one end of an association.
func end(typeID flexText, name string) string {
	if object := objectOf(string(typeID)); object != "" {
		return object
	}
	return eventObject(name)
}

// eventObject returns the object that webhooks call so: "contact".
func eventObject(name string) string {
	all := kinds()
	if i := slices.IndexFunc(all, func(k kind) bool { return k.event != "" && k.event == name }); i >= 0 {
		return all[i].name
	}
	return ""
}

// hintsOf returns the records that events are about, each once.
func hintsOf(events []event) []record.Ref {
	var out []record.Ref
	seen := map[record.Ref]bool{}
	for _, e := range events {
		for _, r := range e.refs() {
			if !seen[r] {
				seen[r] = true
				out = append(out, r)
			}
		}
	}
	return out
}
