package pipedrive

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

const (
	maxFiles = 100      // files on a page
	maxFile  = 20 << 20 // what we hold in memory; Pipedrive takes more
)

// attached is a file as Pipedrive lists it; see
// https://developers.pipedrive.com/docs/api/v1/Files
type attached struct {
	ID      flexText `json:"id"`
	Name    string   `json:"name"`
	Stored  string   `json:"file_name"`
	Size    *int64   `json:"file_size"`
	About   string   `json:"description"`
	Updated string   `json:"update_time"`
	Active  *bool    `json:"active_flag"`
	Inline  bool     `json:"inline_flag"` // a picture in the text of a mail
	Remote  string   `json:"remote_location"`
	Mail    flexText `json:"mail_message_id"`

	Deal    flexText `json:"deal_id"`
	Product flexText `json:"product_id"`
	Person  flexText `json:"person_id"`
	Org     flexText `json:"org_id"`
}

// file tells of a file. Pipedrive tells neither a media type nor a hash.
func (a attached) file(of record.Ref) connector.File {
	f := connector.File{ID: string(a.ID), Of: of, Name: a.Name, Size: -1, Modified: parseTime(a.Updated)}
	if f.Name == "" {
		f.Name = a.Stored
	}
	if a.Size != nil {
		f.Size = *a.Size
	}
	return f
}

// hangs reports whether a file is a record's own. Pipedrive shows the files of a deal with its
// person and its organization too; each is taken for that of the most particular record, or
// it would be carried on several times. What belongs to a mail is the mail's, and what lies
// at Google only is no file that could be read here.
func (a attached) hangs(on record.Ref) bool {
	if a.Active != nil && !*a.Active || a.Inline || !none(a.Mail) || a.Remote != "" && a.Remote != "s3" {
		return false
	}
	for _, owner := range []struct {
		object string
		id     flexText
	}{{deals, a.Deal}, {products, a.Product}, {persons, a.Person}, {organizations, a.Org}} {
		if !none(owner.id) {
			return on.Object == owner.object && on.ID == string(owner.id)
		}
	}
	return false
}

func none(id flexText) bool { return id == "" || id == "null" || id == "0" }

// fileField is what a file's record is called where files are added; "" for objects whose
// records have no list of files.
func fileField(object string) string {
	switch object {
	case deals:
		return "deal_id"
	case persons:
		return "person_id"
	case organizations:
		return "org_id"
	case products:
		return "product_id"
	default:
		return ""
	}
}

// Files lists the files of a record.
func (c *conn) Files(ctx context.Context, r record.Ref) ([]connector.File, error) {
	all, err := c.attached(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("files of %s %s: %w", r.Object, r.ID, err)
	}
	out := make([]connector.File, 0, len(all))
	for _, a := range all {
		out = append(out, a.file(r))
	}
	slices.SortFunc(out, func(x, y connector.File) int {
		return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.ID, y.ID))
	})
	return out, nil
}

// attached reads what hangs on a record. Where there is nothing the record itself is asked
// for: what is said of the files of one that is not there is not documented.
func (c *conn) attached(ctx context.Context, r record.Ref) ([]attached, error) {
	k, err := wanted(r.Object)
	switch {
	case err != nil:
		return nil, err
	case fileField(r.Object) == "":
		return nil, &connector.Error{
			Kind: connector.Unsupported, Scope: connector.ScopeObject, Err: fmt.Errorf("%s have no list of files in Pipedrive", r.Object),
		}
	case !isNumber(r.ID):
		return nil, &connector.Error{Kind: connector.NotFound, Scope: connector.ScopeRecord, Err: errors.New("no record has such an id")}
	}
	var out []attached
	for start := 0; ; {
		var answer envelope[[]attached]
		_, err := c.do(ctx, 20, rest.Call{
			Path:  c.v1(k.name, r.ID, "files"),
			Query: url.Values{"start": {strconv.Itoa(start)}, "limit": {strconv.Itoa(maxFiles)}, "sort": {"id"}}, Into: &answer,
		})
		if err != nil {
			return nil, err
		}
		for _, a := range answer.Data {
			twice := slices.ContainsFunc(out, func(have attached) bool { return have.ID == a.ID })
			if !twice && a.hangs(r) {
				out = append(out, a)
			}
		}
		start += len(answer.Data)
		if !answer.Additional.more() || len(answer.Data) == 0 {
			break
		}
	}
	if len(out) > 0 {
		return out, nil
	}
	now, err := c.getRow(ctx, k, r.ID)
	if err == nil && now.gone() {
		err = &connector.Error{Kind: connector.NotFound, Scope: connector.ScopeRecord, Err: errors.New("the record is deleted")}
	}
	return nil, err
}

// OpenFile asks for the bytes. Pipedrive sends readers on to where it keeps them, by an address
// that is its own right to be read: our credential does not go there (C9).
func (c *conn) OpenFile(ctx context.Context, f connector.File) (io.ReadCloser, error) {
	if !isNumber(f.ID) {
		return nil, &connector.Error{Kind: connector.NotFound, Scope: connector.ScopeRecord, Err: fmt.Errorf("open file %q: no file has such an id", f.ID)}
	}
	r, body, err := c.api.Open(rest.WithCost(ctx, limitDaily, 2), rest.Call{Path: c.v1("files", f.ID, "download")})
	c.learn(r)
	to := ""
	if r.Header != nil && r.Status >= 300 && r.Status < 400 {
		to = r.Header.Get("Location")
	}
	if to != "" {
		store := rest.API{HTTP: c.api.HTTP, Base: c.api.Base} // which is not Pipedrive's API: statuses mean what they mean
		_, body, err = store.Open(rest.WithCost(rest.WithLink(ctx), limitBurst, 0), rest.Call{Path: to})
	}
	if err != nil {
		return nil, fmt.Errorf("open file %s: %w", f.ID, err)
	}
	return body, nil
}

// AddFile uploads a file. There is no place for a key in an upload but the name; so it bears
// the key until it is named as it shall be, and from then on its description does.
func (c *conn) AddFile(ctx context.Context, key string, r record.Ref, f connector.File, body io.Reader) (connector.File, connector.Result, error) {
	result := connector.Result{Ref: r}
	content, err := connector.ReadFile(f, body, maxFile)
	if err != nil {
		return connector.File{}, result, err
	}
	a, err := c.addFile(ctx, markOf(key), r, f, content)
	if err != nil {
		return connector.File{}, result, fmt.Errorf("add a file to %s %s: %w", r.Object, r.ID, err)
	}
	k, _ := kindOf(r.Object)
	if now, err := c.getRow(ctx, k, r.ID); err == nil { // it hangs there: not to know the version is no failure
		if at := now.stamp(); !at.IsZero() {
			result.Version = version(at)
		}
	}
	return a.file(r), result, nil
}

func (c *conn) addFile(ctx context.Context, mark string, r record.Ref, f connector.File, content []byte) (attached, error) {
	have, err := c.marked(ctx, mark, r)
	if err != nil {
		return attached{}, err
	}
	var a attached
	if have == nil {
		a, err = c.upload(ctx, mark, r, f, content)
		if connector.KindOf(err) == connector.Ambiguous { // R16
			if have, err2 := c.marked(ctx, mark, r); err2 == nil && have != nil {
				a, err = *have, nil
			}
		}
		if err != nil {
			return a, err
		}
	} else if a = *have; strings.Contains(a.About, mark) {
		return a, nil // carried out before
	}
	return c.nameFile(ctx, mark, a.ID, f.Name)
}

// markOf is what marks the file of an operation.
func markOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return "tandem-" + hex.EncodeToString(sum[:8])
}

// marked returns the file of an operation that was uploaded before; nil = none.
func (c *conn) marked(ctx context.Context, mark string, r record.Ref) (*attached, error) {
	all, err := c.attached(ctx, r)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(a attached) bool {
		return strings.Contains(a.Name, mark) || strings.Contains(a.About, mark)
	})
	if i < 0 {
		return nil, nil
	}
	return &all[i], nil
}

func (c *conn) upload(ctx context.Context, mark string, r record.Ref, f connector.File, content []byte) (attached, error) {
	form, kind, err := rest.FileForm([][2]string{{fileField(r.Object), r.ID}}, mark+"-"+f.Name, f.Type, content)
	if err != nil {
		return attached{}, &connector.Error{Kind: connector.Invalid, Scope: connector.ScopeRecord, Err: err}
	}
	var answer envelope[attached]
	res, err := c.do(ctx, 10, rest.Call{
		Method: http.MethodPost, Path: c.v1("files"), Body: form, Header: http.Header{"Content-Type": {kind}}, Into: &answer,
	})
	if err == nil && none(answer.Data.ID) {
		err = &connector.Error{Kind: connector.Ambiguous, Scope: connector.ScopeRecord, Err: errors.New("the answer names no file")}
	}
	if res.Status == http.StatusRequestEntityTooLarge {
		err = &connector.Error{Kind: connector.Invalid, Scope: connector.ScopeRecord, Fix: "Pipedrive does not take a file as large as this", Err: err}
	}
	if err != nil {
		return attached{}, fmt.Errorf("upload: %w", err)
	}
	return answer.Data, nil
}

// nameFile gives an uploaded file its name, and its description the mark.
func (c *conn) nameFile(ctx context.Context, mark string, id flexText, name string) (attached, error) {
	var answer envelope[attached]
	_, err := c.do(rest.WithSafe(ctx), 10, rest.Call{ // repeated, it does the same
		Method: http.MethodPut, Path: c.v1("files", string(id)), Form: url.Values{"name": {name}, "description": {mark}}, Into: &answer,
	})
	if err != nil {
		return attached{}, fmt.Errorf("name the file: %w", err)
	}
	if none(answer.Data.ID) {
		answer.Data = attached{ID: id, Name: name}
	}
	return answer.Data, nil
}

// RemoveFile deletes a file, which Pipedrive keeps in its bin for 30 days.
func (c *conn) RemoveFile(ctx context.Context, f connector.File) error {
	if !isNumber(f.ID) {
		return nil
	}
	_, err := c.do(ctx, 6, rest.Call{Method: http.MethodDelete, Path: c.v1("files", f.ID)})
	if err != nil && connector.KindOf(err) != connector.NotFound {
		return fmt.Errorf("remove file %s: %w", f.ID, err)
	}
	return nil
}
