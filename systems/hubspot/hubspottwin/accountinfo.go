package hubspottwin

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// accountInfo answers GET /account-info/{version}/details; see
// https://developers.hubspot.com/docs/api-reference/latest/account/account-information/get-account-details
func (a *Account) accountInfo(r *request) (int, any) {
	if r.Method != "GET" || len(r.path) != 1 || r.path[0] != "details" {
		return a.unknown(r)
	}
	zone := a.options.Zone
	if zone == nil {
		zone = time.UTC
	}
	_, offset := r.now.In(zone).Zone()
	return 200, map[string]any{
		"portalId": portalID, "accountType": "STANDARD", "timeZone": zone.String(),
		"companyCurrency": "EUR", "additionalCurrencies": []string{},
		"utcOffset": r.now.In(zone).Format("-07:00"), "utcOffsetMilliseconds": offset * 1000,
		"uiDomain": "app-eu1.hubspot.com", "dataHostingLocation": "eu1",
	}
}

// dispositions answers GET /calling/v1/dispositions: the outcomes of calls. See
// https://developers.hubspot.com/docs/api-reference/latest/crm/activities/calls/guide
func (a *Account) dispositions(r *request) (int, any) {
	if r.Method != "GET" || len(r.path) != 1 || r.path[0] != "dispositions" {
		return a.unknown(r)
	}
	out := []map[string]any{}
	for _, o := range a.named["calls"].props["hs_call_disposition"].Options {
		out = append(out, map[string]any{"id": o.Value, "label": o.Label, "deleted": false})
	}
	return 200, out
}

// properties answers /crm/properties/{version}/{objectType}[/{name}].
func (a *Account) properties(r *request) (int, any) {
	if len(r.path) == 0 || len(r.path) > 2 {
		return a.unknown(r)
	}
	o := a.object(r.path[0])
	if o == nil {
		return 0, invalid("Unable to infer object type from: " + r.path[0])
	}
	switch {
	case r.Method == "GET" && len(r.path) == 2 && r.path[1] == "groups":
		return 200, map[string]any{"results": []map[string]any{{"name": o.group, "label": o.group, "displayOrder": 0, "archived": false}}}
	case r.Method == "GET" && len(r.path) == 1:
		if f := r.lacks("crm.schemas." + o.scope + ".read"); f != nil {
			return 0, f
		}
		q := r.query("archived", "dataSensitivity", "locale", "properties")
		results := []*property{}
		for _, name := range o.names {
			if o.props[name].Archived == (q["archived"] == "true") {
				results = append(results, o.props[name])
			}
		}
		return 200, map[string]any{"results": results}
	case r.Method == "POST" && len(r.path) == 1:
		if f := r.lacks("crm.schemas." + o.scope + ".write"); f != nil {
			return 0, f
		}
		return a.createProperty(r, o)
	case r.Method == "GET":
		if p := o.props[r.path[1]]; p != nil && !p.Archived {
			return 200, p
		}
		return 0, fail(404, "OBJECT_NOT_FOUND", "property "+r.path[1]+" does not exist")
	}
	return a.unknown(r)
}

// createProperty makes a property; see
// https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide#create-properties
func (a *Account) createProperty(r *request, o *object) (int, any) {
	var in struct {
		Name, Label, Type, FieldType, GroupName, Description string
		Options                                              []option
		HasUniqueValue, Hidden, FormField, ExternalOptions   bool
		DisplayOrder                                         int
		ReferencedObjectType, DataSensitivity                string
		CalculationFormula                                   *string
	}
	if f := r.decode(&in); f != nil {
		return 0, f
	}
	if old := o.props[in.Name]; old != nil && !old.Archived {
		f := fail(409, "OBJECT_ALREADY_EXISTS", "A property named '"+in.Name+"' already exists.")
		f.SubCat = "Properties.PROPERTY_WITH_NAME_EXISTS"
		return 0, f
	}
	p := &property{
		Name: in.Name, Label: in.Label, Type: in.Type, FieldType: in.FieldType, Group: in.GroupName,
		Descr: in.Description, Options: in.Options, Unique: in.HasUniqueValue, Hidden: in.Hidden,
		Form: in.FormField, Referenced: in.ReferencedObjectType, External: in.ExternalOptions,
	}
	if wrong := o.checkDefinition(p); wrong != "" {
		return 0, invalid(wrong)
	}
	o.define(p, r.now)
	return 201, p
}

// ArchiveProperty lets an administrator put a custom property away. Values stay, unseen.
func (a *Account) ArchiveProperty(object, name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if o := a.object(object); o != nil && o.props[name] != nil {
		o.props[name].Archived = true
	}
}

// An owner is a user to whom records can be assigned; see
// https://developers.hubspot.com/docs/api-reference/latest/crm/owners/guide
type owner struct {
	ID       int64
	Email    string
	First    string
	Last     string
	UserID   int64
	Created  time.Time
	Updated  time.Time
	Archived bool
}

type owners struct{ all []*owner }

func (l *owners) get(id int64) *owner {
	i := slices.IndexFunc(l.all, func(o *owner) bool { return o.ID == id && !o.Archived })
	if i < 0 {
		return nil
	}
	return l.all[i]
}

// MarshalJSON returns the owner as the API shows it; its id is a text, that of its user a
// number, which an archived one has not any more.
func (o *owner) MarshalJSON() ([]byte, error) {
	m := map[string]any{
		"id": id(o.ID), "type": "PERSON", "email": o.Email, "firstName": o.First, "lastName": o.Last,
		"userIdIncludingInactive": o.UserID, "archived": o.Archived,
		"createdAt": stamp(o.Created), "updatedAt": stamp(o.Updated), "userId": o.UserID,
	}
	if o.Archived {
		m["userId"] = nil
	}
	return json.Marshal(m)
}

// ownersList answers GET /crm/owners/{version} and …/{id}.
func (a *Account) ownersList(r *request) (int, any) {
	if r.Method != "GET" || len(r.path) > 1 {
		return a.unknown(r)
	}
	if f := r.lacks("crm.objects.owners.read"); f != nil {
		return 0, f
	}
	if len(r.path) == 1 && r.path[0] != "" {
		q := r.query("idProperty", "archived")
		n, _ := parseID(r.path[0])
		for _, o := range a.owners.all {
			if o.ID == n && o.Archived == (q["archived"] == "true") {
				return 200, o
			}
		}
		return 0, notFound()
	}
	q := r.query("email", "after", "limit", "archived")
	limit, f := a.limit(q["limit"], 100, 500)
	if f != nil {
		return 0, f
	}
	after, _ := parseID(q["after"])
	results := []*owner{}
	for _, o := range a.owners.all {
		if o.ID <= after || o.Archived != (q["archived"] == "true") || q["email"] != "" && !strings.EqualFold(q["email"], o.Email) {
			continue
		}
		if len(results) == limit {
			return 200, map[string]any{"results": results, "paging": next(results[limit-1].ID)}
		}
		results = append(results, o)
	}
	return 200, map[string]any{"results": results}
}
