package brevo

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// note is a note on contacts, companies or deals; see https://developers.brevo.com/reference/get-notes
type note struct {
	ID        string   `json:"id"`
	Text      string   `json:"text"`
	Contacts  []int64  `json:"contactIds"`
	Companies []string `json:"companyIds"`
	Deals     []string `json:"dealIds"`
	Created   instant  `json:"createdAt"`
	Updated   instant  `json:"updatedAt"`
}

// notesObject describes notes. They cannot be asked for by when they were changed, so each
// read tells all of them.
func notesObject() record.Object {
	refs := func(name, label, to string) record.Field {
		return record.Field{Name: name, Label: label, Kind: record.KindReferences, To: to}
	}
	return record.Object{
		Name: notes, Title: "Notes", Common: "note", Create: true, Update: true, Delete: true, Batch: 1, ReadBatch: readBatch, Settle: settle,
		Deletes: record.EvidenceListing, OwnStamps: true,
		Fields: []record.Field{
			{Name: "text", Label: "Text", Common: "body", Kind: record.KindText, Format: record.FormatHTML, Required: true, NoClear: true},
			refs("contactIds", "Contacts", contacts), refs("companyIds", "Companies", companies), refs("dealIds", "Deals", deals),
		},
	}
}

func (n note) change() connector.Change {
	r := record.Record{
		Ref: record.Ref{Object: notes, ID: n.ID}, Created: time.Time(n.Created), Modified: time.Time(n.Updated),
		Fields: record.Fields{
			"text": record.Text(n.Text), "contactIds": listRefs(n.Contacts),
			"companyIds": record.Texts(slices.Sorted(slices.Values(n.Companies))...), "dealIds": record.Texts(slices.Sorted(slices.Values(n.Deals))...),
		},
	}
	if !r.Modified.IsZero() {
		r.Version = r.Modified.Format(time.RFC3339Nano)
	}
	return connector.Change{Record: r}
}

func (c *conn) notePage() pager {
	return func(ctx context.Context, cur cursor, limit int) (batch, error) {
		q := url.Values{"limit": {strconv.Itoa(limit)}, "offset": {strconv.Itoa(cur.skip())}, "sort": {"asc"}}
		var list []note
		sent := time.Now()
		r, err := c.do(ctx, rest.Call{Path: "/v3/crm/notes", Query: q, Into: &list})
		if err != nil {
			return batch{}, err
		}
		b := batch{more: len(list) > 0, at: began(r, sent)}
		for _, n := range list {
			b.rows = append(b.rows, row{id: n.ID, change: n.change()})
		}
		return b, nil
	}
}

// writeNote makes or changes a note. Brevo wants the text each time.
func (c *conn) writeNote(ctx context.Context, op connector.Op) (string, error) {
	in := map[string]any{}
	for name, v := range op.Set {
		f, _ := notesObject().Field(name)
		if f.Kind == record.KindReferences {
			in[name] = linked(f, v.Items())
			continue
		}
		in[name] = v.Text()
	}
	if op.Verb == connector.Create {
		var answer struct {
			ID string `json:"id"`
		}
		_, err := c.do(ctx, rest.Call{Method: http.MethodPost, Path: "/v3/crm/notes", Body: in, Into: &answer})
		return answer.ID, err
	}
	if _, sets := in["text"]; !sets {
		var n note
		if _, err := c.do(ctx, rest.Call{Path: "/v3/crm/notes/" + url.PathEscape(op.Ref.ID), Into: &n}); err != nil {
			return "", err
		}
		in["text"] = n.Text
	}
	_, err := c.do(ctx, rest.Call{Method: http.MethodPatch, Path: "/v3/crm/notes/" + url.PathEscape(op.Ref.ID), Body: in})
	return op.Ref.ID, err
}
