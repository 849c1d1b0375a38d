package brevo

import (
	"context"
	"errors"
	"fmt"
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
		p, at, err := c.listsFrom(ctx, object, limit, cur.skip())
		if err != nil {
			return batch{}, err
		}
		all := p.of(object)
		b := batch{more: cur.skip()+len(all) < p.Count, at: at}
		for _, l := range all {
			b.rows = append(b.rows, row{id: strconv.FormatInt(l.ID, 10), change: l.change(object)})
		}
		return b, nil
	}
}

// listsPage is a page of lists or of folders.
type listsPage struct {
	Lists   []contactList `json:"lists"`
	Folders []contactList `json:"folders"`
	Count   int           `json:"count"`
}

func (p listsPage) of(object string) []contactList {
	if object == folders {
		return p.Folders
	}
	return p.Lists
}

func (c *conn) listsFrom(ctx context.Context, object string, limit, offset int) (listsPage, time.Time, error) {
	var p listsPage
	q := url.Values{"limit": {strconv.Itoa(limit)}, "offset": {strconv.Itoa(offset)}, "sort": {"asc"}}
	sent := time.Now()
	r, err := c.do(ctx, rest.Call{Path: "/v3/contacts/" + object, Query: q, Into: &p})
	return p, began(r, sent), err
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

// nameLists notes in the field of lists which there are, so that people can write their names.
func (c *conn) nameLists(ctx context.Context, fields []record.Field) error {
	all, err := c.allLists(ctx, lists)
	switch connector.KindOf(err) {
	case "":
	case connector.Forbidden, connector.NotFound:
		return nil // then they are called by their ids
	default:
		return fmt.Errorf("read lists: %w", err)
	}
	for i := range fields {
		if fields[i].To != lists {
			continue
		}
		for _, l := range all {
			fields[i].Choices = append(fields[i].Choices, record.Choice{Value: strconv.FormatInt(l.ID, 10), Label: l.Name})
		}
	}
	return err
}

// allLists reads all lists, or all folders.
func (c *conn) allLists(ctx context.Context, object string) ([]contactList, error) {
	var all []contactList
	for {
		p, _, err := c.listsFrom(ctx, object, maxLists, len(all))
		if err != nil {
			return nil, err
		}
		all = append(all, p.of(object)...)
		if len(p.of(object)) == 0 || len(all) >= p.Count {
			return all, nil
		}
	}
}

// addLists makes the lists that are not there, in the first folder.
func (c *conn) addLists(ctx context.Context, s *shape, f record.Field) (record.Field, error) {
	there, err := c.allLists(ctx, folders)
	if err == nil && len(there) == 0 {
		err = &connector.Error{Kind: connector.Unsupported, Scope: connector.ScopeObject, Fix: "make a folder of lists in Brevo", Err: errors.New("there is no folder to put a list into")}
	}
	for _, want := range f.Choices {
		if err != nil {
			return record.Field{}, fmt.Errorf("add list %s: %w", want.Label, err)
		}
		if slices.ContainsFunc(s.fields[f.Name].Choices, func(have record.Choice) bool { return strings.EqualFold(have.Label, want.Label) }) {
			continue
		}
		body := map[string]any{"name": want.Label, fieldFolder: there[0].ID}
		_, err = c.do(ctx, rest.Call{Method: http.MethodPost, Path: "/v3/contacts/lists", Body: body})
	}
	if err != nil {
		return record.Field{}, fmt.Errorf("add lists: %w", err)
	}
	return c.added(ctx, contacts, f.Name, nil, func(have record.Field) bool { return have.Name == f.Name })
}
