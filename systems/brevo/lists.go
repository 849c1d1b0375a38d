package brevo

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

const fieldFolder = "folderId"

// contactList is a list of contacts, or the folder of lists; see
// https://developers.brevo.com/reference/get-lists
type contactList struct {
	ID      int64   `json:"id"`
	Name    string  `json:"name"`
	Folder  int64   `json:"folderId"`
	Created instant `json:"createdAt"`
}

// listsObject describes lists. Each read tells all of them: they have no stamps.
func listsObject() record.Object {
	return record.Object{
		Name: lists, Title: "Lists", Common: "tag", Create: true, Update: true, Batch: 1, ReadBatch: readBatch, Settle: settle,
		Deletes: record.EvidenceListing,
		Fields: []record.Field{
			{Name: "name", Label: "Name", Common: "name", Kind: record.KindText, Required: true, NoClear: true},
			{Name: fieldFolder, Label: "Folder", Common: "parent", Kind: record.KindReference, To: folders, Required: true, NoClear: true},
		},
	}
}

func foldersObject() record.Object {
	return record.Object{
		Name: folders, Title: "Folders of lists", Batch: 1, ReadBatch: readBatch, Settle: settle, Deletes: record.EvidenceListing,
		Fields: []record.Field{{Name: "name", Label: "Name", Kind: record.KindText, ReadOnly: true}},
	}
}

func (l contactList) change(object string) connector.Change {
	r := record.Record{
		Ref: record.Ref{Object: object, ID: strconv.FormatInt(l.ID, 10)}, Fields: record.Fields{"name": record.Text(l.Name)},
	}
	if object == lists {
		r.Fields[fieldFolder] = record.Int(l.Folder)
	}
	return connector.Change{Record: r}
}

// listPage reads lists or folders. Whatever the cursor says, it reads all of them: nothing
// tells which have changed.
func (c *conn) listPage(object string) pager {
	return func(ctx context.Context, cur cursor, limit int) (batch, error) {
		q := url.Values{"limit": {strconv.Itoa(limit)}, "offset": {strconv.Itoa(cur.skip())}, "sort": {"asc"}}
		var p struct {
			Lists   []contactList `json:"lists"`
			Folders []contactList `json:"folders"`
			Count   int           `json:"count"`
		}
		sent := time.Now()
		r, err := c.do(ctx, rest.Call{Path: "/v3/contacts/" + object, Query: q, Into: &p})
		if err != nil {
			return batch{}, err
		}
		all := p.Lists
		if object == folders {
			all = p.Folders
		}
		b := batch{more: cur.skip()+len(all) < p.Count, at: began(r, sent)}
		for _, l := range all {
			b.rows = append(b.rows, row{id: strconv.FormatInt(l.ID, 10), change: l.change(object)})
		}
		return b, nil
	}
}

func (c *conn) readList(ctx context.Context, object, id string) (connector.Change, error) {
	var l contactList
	_, err := c.do(ctx, rest.Call{Path: "/v3/contacts/" + object + "/" + url.PathEscape(id), Into: &l})
	return l.change(object), err
}

// writeList makes or changes a list. Of its name and its folder one call changes one only.
func (c *conn) writeList(ctx context.Context, op connector.Op) (string, error) {
	var ins []map[string]any
	in := map[string]any{}
	for _, name := range op.Set.Names() {
		v := op.Set[name]
		var value any = v.Text()
		if name == fieldFolder {
			id, err := strconv.ParseInt(v.Text(), 10, 64)
			if err != nil {
				return "", invalid(name, "a folder has an ID that is a number", "map to a folder that is in Brevo")
			}
			value = id
		}
		in[name] = value
		ins = append(ins, map[string]any{name: value})
	}
	if op.Verb == connector.Create {
		var answer struct {
			ID int64 `json:"id"`
		}
		_, err := c.do(ctx, rest.Call{Method: http.MethodPost, Path: "/v3/contacts/lists", Body: in, Into: &answer})
		return strconv.FormatInt(answer.ID, 10), err
	}
	for _, one := range ins {
		if _, err := c.do(ctx, rest.Call{Method: http.MethodPut, Path: "/v3/contacts/lists/" + url.PathEscape(op.Ref.ID), Body: one}); err != nil {
			return "", err
		}
	}
	return op.Ref.ID, nil
}
