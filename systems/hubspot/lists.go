package hubspot

import (
	"context"
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

const (
	lists        = "lists"
	areaLists    = "lists"
	fieldLists   = "associations.lists" // of contacts
	settingLists = "lists"
	maxLists     = 500 // of a page
)

// contactList is a list of contacts, which HubSpot's pages call a segment; see
// https://developers.hubspot.com/docs/api-reference/latest/crm/lists/guide
type contactList struct {
	ID        flexText `json:"listId"`
	Name      string   `json:"name"`
	Type      string   `json:"processingType"`
	CreatedAt instant  `json:"createdAt"`
	UpdatedAt instant  `json:"updatedAt"`
	DeletedAt instant  `json:"deletedAt"`
}

// withLists reports whether lists are wanted: who is on them takes a call more for every
// hundred contacts that are read.
func (c *conn) withLists() bool { return c.settings[settingLists] == "yes" }

func listsObject() record.Object {
	return record.Object{
		Name: lists, Title: "Lists of contacts", Common: "tag", Batch: 1, ReadBatch: maxBatch, Settle: settle,
		Fields: []record.Field{
			{Name: "name", Label: "Name", Common: "name", Kind: record.KindText, ReadOnly: true},
			{
				Name: "processingType", Label: "Type", Common: "type", Kind: record.KindChoice, ReadOnly: true, Open: true,
				Choices: []record.Choice{{Value: "MANUAL", Label: "Static"}, {Value: "DYNAMIC", Label: "Active"}, {Value: "SNAPSHOT", Label: "Snapshot"}},
			},
		},
	}
}

// listsField is on which lists a contact is. Being put on one does not touch the contact (R35).
// Written are those lists on which a person can put contacts; see [conn.enlist].
func listsField() record.Field {
	return record.Field{
		Name: fieldLists, Label: "Lists", Common: "tags", Kind: record.KindReferences, To: lists, Silent: true,
	}
}

func (l contactList) change() connector.Change {
	id := string(l.ID)
	if !time.Time(l.DeletedAt).IsZero() {
		return tombstone(lists, id, connector.Archived)
	}
	r := record.Record{
		Ref: record.Ref{Object: lists, ID: id}, Created: time.Time(l.CreatedAt), Modified: time.Time(l.UpdatedAt),
		Fields: record.Fields{"name": record.Text(l.Name), "processingType": record.Text(l.Type)},
	}
	if !r.Modified.IsZero() {
		r.Version = r.Modified.Format(time.RFC3339Nano)
	}
	return connector.Change{Record: r}
}

// listsPage reads the next lists. They cannot be searched by time, and pages are counted
// from the beginning, so every read tells all, and none proves what is not there (R21).
func (c *conn) listsPage(ctx context.Context, q connector.Query, cur cursor) (connector.Page, error) {
	if q.Sweep() {
		return connector.Page{}, nil
	}
	limit := maxLists
	if q.Limit > 0 {
		limit = min(limit, q.Limit)
	}
	contact, _ := kindOf(contacts)
	offset, _ := strconv.Atoi(cur.After) // "" is the beginning
	var answer struct {
		Lists  []contactList `json:"lists"`
		More   bool          `json:"hasMore"`
		Offset int           `json:"offset"`
	}
	_, err := c.read(ctx, rest.Call{Method: http.MethodPost, Path: c.path(areaLists, "search"), Into: &answer, Body: listSearch{
		Count: limit, Offset: offset, TypeID: contact.typeID, IDs: []string{}, Types: []string{}, Properties: []string{},
	}})
	if err != nil {
		return connector.Page{}, fmt.Errorf("search lists: %w", err)
	}
	page := connector.Page{More: answer.More && answer.Offset > offset}
	for _, l := range answer.Lists {
		page.Changes = append(page.Changes, l.change())
	}
	next := cursor{Mode: modeOwners}
	if page.More {
		next.After = strconv.Itoa(answer.Offset)
	}
	page.Next = next.encode()
	return page, nil
}

// readLists reads lists by id.
func (c *conn) readLists(ctx context.Context, ids []string) ([]connector.Change, error) {
	found := map[string]connector.Change{}
	for part := range slices.Chunk(valid(ids), maxBatch) {
		var answer struct {
			Lists []contactList `json:"lists"`
		}
		_, err := c.read(ctx, rest.Call{Path: c.path(areaLists), Query: url.Values{"listIds": part}, Into: &answer})
		if err != nil {
			return nil, fmt.Errorf("read lists: %w", err)
		}
		for _, l := range answer.Lists {
			found[string(l.ID)] = l.change()
		}
	}
	out := make([]connector.Change, len(ids))
	for i, id := range ids {
		change, ok := found[id]
		if !ok {
			change = tombstone(lists, id, connector.Deleted)
		}
		out[i] = change
	}
	return out, nil
}

// fillLists puts into contacts on which lists they are.
func (c *conn) fillLists(ctx context.Context, d *definitions, fields, ids []string, changes []connector.Change) error {
	if _, ok := d.fields[fieldLists]; !ok || fields != nil && !slices.Contains(fields, fieldLists) {
		return nil
	}
	on, err := c.memberships(ctx, d, ids)
	if connector.KindOf(err) == connector.Forbidden && fields == nil {
		return nil // without the right to see lists the field is absent (R11)
	}
	if err != nil {
		return err
	}
	for i := range changes {
		if changes[i].Fate == connector.Present {
			changes[i].Fields[fieldLists] = record.Texts(on[changes[i].ID]...)
		}
	}
	return nil
}

// memberships reads on which lists contacts are, in the order of the lists' ids.
func (c *conn) memberships(ctx context.Context, d *definitions, ids []string) (map[string][]string, error) {
	on := map[string][]string{}
	for part := range slices.Chunk(ids, maxBatch) {
		in := inputs[membership]{}
		for _, id := range part {
			in.Inputs = append(in.Inputs, membership{TypeID: d.kind.typeID, RecordID: id})
		}
		var answer memberships
		_, err := c.read(ctx, rest.Call{Method: http.MethodPost, Path: c.path(areaLists, "records", "memberships", "batch", "read"), Body: in, Into: &answer})
		if err != nil {
			return nil, fmt.Errorf("read lists of contacts: %w", err)
		}
		answer.add(on)
	}
	for _, all := range on {
		slices.SortFunc(all, byID)
	}
	return on, nil
}

// memberships is an answer that tells on which lists records are.
type memberships struct {
	Results []struct {
		RecordID flexText `json:"recordId"`
		On       []struct {
			ID flexText `json:"listId"`
		} `json:"recordListMemberships"`
	} `json:"results"`
}

// add puts the ids of the lists to those of the records.
func (m memberships) add(on map[string][]string) {
	for _, r := range m.Results {
		for _, l := range r.On {
			on[string(r.RecordID)] = append(on[string(r.RecordID)], string(l.ID))
		}
	}
}

// What is sent and answered.
type (
	memberAnswer struct {
		Missing []flexID `json:"recordIdsMissing"`
	}
	memberChange struct {
		Add    []string `json:"recordIdsToAdd"`
		Remove []string `json:"recordIdsToRemove"`
	}
	listSearch struct {
		Count      int      `json:"count"`
		Offset     int      `json:"offset"`
		TypeID     string   `json:"objectTypeId"`
		IDs        []string `json:"listIds"`
		Types      []string `json:"processingTypes"`
		Properties []string `json:"additionalProperties"`
	}
	membership struct {
		TypeID   string `json:"objectTypeId"`
		RecordID string `json:"recordId"`
	}
)
