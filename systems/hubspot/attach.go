package hubspot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// A holder is a note, or another activity, that files are attached to.
type holder struct {
	ref   record.Ref
	files []string
	bare  bool // a note without a text
}

// holds reports whether files can hang on records of an object, and whether by themselves:
// activities have attachments of their own, the others have notes.
func (k kind) holds() (files, own bool) {
	switch k.name {
	case notes, tasks, meetings, calls, emails:
		return true, true
	case companies, contacts, deals, leads:
		return true, false
	}
	return isCustom(k.name), false
}

// hung reads what files are attached to a record. One that is not there is an error.
func (c *conn) hung(ctx context.Context, r record.Ref) ([]holder, error) {
	k, err := wanted(r.Object)
	files, own := k.holds()
	switch {
	case err != nil && r.Object != owners && r.Object != lists:
		return nil, err
	case !files:
		return nil, &connector.Error{
			Kind: connector.Unsupported, Scope: connector.ScopeObject, Err: fmt.Errorf("%s have no files in HubSpot", r.Object),
		}
	case len(valid([]string{r.ID})) == 0:
		return nil, noSuchRecord(r)
	}
	d := newDefinitions(k)
	if own {
		return c.holders(ctx, r, d, []string{r.ID})
	}
	rows, err := c.batchRead(ctx, d, reading{ids: []string{r.ID}, names: []string{propID}})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, noSuchRecord(r)
	}
	found, err := c.associations(ctx, r.Object, notes, []string{rows[0].ID})
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, n := range found[rows[0].ID] {
		ids = append(ids, string(n.ID))
	}
	note, _ := kindOf(notes)
	return c.holders(ctx, r, newDefinitions(note), ids)
}

func noSuchRecord(r record.Ref) error {
	return &connector.Error{
		Kind: connector.NotFound, Scope: connector.ScopeRecord, Err: fmt.Errorf("%s %s is not in HubSpot", r.Object, r.ID),
	}
}

// holders reads the attachments of notes or activities. A note that went meanwhile is left out;
// that a file's own record is not there is an error.
func (c *conn) holders(ctx context.Context, r record.Ref, d *definitions, ids []string) ([]holder, error) {
	var out []holder
	names := []string{propAttachments}
	if d.object == notes {
		names = append(names, propBody)
	}
	for part := range slices.Chunk(ids, maxBatch) {
		rows, err := c.batchRead(ctx, d, reading{ids: part, names: names})
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			h := holder{ref: record.Ref{Object: d.object, ID: row.ID}, bare: d.object == notes && row.text(propBody) == ""}
			for id := range strings.SplitSeq(row.text(propAttachments), ";") {
				if id = strings.TrimSpace(id); id != "" {
					h.files = appendNew(h.files, id)
				}
			}
			out = append(out, h)
		}
	}
	if r.Object == d.object && len(out) == 0 {
		return nil, noSuchRecord(r)
	}
	return out, nil
}

// uploaded looks in a folder for a file of these bytes. The search is an index that lags.
func (c *conn) uploaded(ctx context.Context, folder, sum string) (storedFile, bool, error) {
	var answer struct {
		Results []storedFile `json:"results"`
	}
	_, err := c.read(ctx, rest.Call{
		Path: c.filesPath("search"), Query: url.Values{"fileMd5": {sum}, "limit": {"100"}, "sort": {"-createdAt"}}, Into: &answer,
	})
	if err != nil {
		return storedFile{}, false, fmt.Errorf("look for the file: %w", err)
	}
	i := slices.IndexFunc(answer.Results, func(s storedFile) bool { return s.in(folder) })
	if i < 0 {
		return storedFile{}, false, nil
	}
	return answer.Results[i], true, nil
}

// upload sends a file; the folder is made on the way.
func (c *conn) upload(ctx context.Context, folder string, f connector.File, content []byte) (storedFile, error) {
	var s storedFile
	options, err := json.Marshal(map[string]string{"access": "PRIVATE"})
	if err != nil {
		return s, fmt.Errorf("encode options: %w", err)
	}
	fields := [][2]string{{"fileName", f.Name}, {"folderPath", folder}, {"options", string(options)}}
	body, kind, err := rest.FileForm(fields, f.Name, f.Type, content)
	if err != nil {
		return s, &connector.Error{Kind: connector.Invalid, Scope: connector.ScopeRecord, Err: err}
	}
	r, err := c.do(ctx, rest.Call{
		Method: http.MethodPost, Path: c.filesPath(), Body: body, Header: http.Header{"Content-Type": {kind}}, Into: &s,
	})
	if err == nil && s.ID == "" {
		err = &connector.Error{Kind: connector.Ambiguous, Scope: connector.ScopeRecord, Err: errors.New("the answer names no file")}
	}
	if connector.KindOf(err) == connector.Invalid || r.Status == http.StatusRequestEntityTooLarge {
		e := *connector.ErrorOf(err)
		e.Kind, e.Scope = connector.Invalid, connector.ScopeRecord
		e.Fix = "HubSpot does not take this file: see what sizes and kinds of files the account's subscription allows"
		err = &e
	}
	if err != nil {
		return s, fmt.Errorf("upload: %w", err)
	}
	return s, nil
}

// hang attaches an uploaded file to a record. That a note of unknown outcome was made shows
// when the operation is repeated: then the file is among those of the record (R16).
func (c *conn) hang(ctx context.Context, r record.Ref, key, file string, hung []holder) error {
	if k, _ := kindOf(r.Object); len(hung) == 1 && hung[0].ref == r {
		if _, own := k.holds(); own {
			return c.setAttachments(ctx, r, append(slices.Clone(hung[0].files), file))
		}
	}
	kind, err := c.noteType(ctx, r.Object)
	if err != nil {
		return err
	}
	props := map[string]string{propTime: time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), propAttachments: file}
	if d := c.knownOf(notes); d != nil {
		if _, ok := d.fields[propKey]; ok {
			props[propKey] = key
		}
	}
	in := writeInput{Properties: props, Associations: []association{{To: idInput{r.ID}, Types: []associationType{kind}}}, Trace: "0"}
	return c.one(ctx, "create", notes, in)
}

// noteType is how a note is associated with a record.
func (c *conn) noteType(ctx context.Context, object string) (associationType, error) {
	l := link{to: object}
	note, _ := kindOf(notes)
	if i := slices.IndexFunc(note.links, func(l link) bool { return l.to == object }); i >= 0 {
		l = note.links[i]
	}
	return c.typeOf(ctx, notes, l)
}

// setAttachments writes which files an activity has.
func (c *conn) setAttachments(ctx context.Context, r record.Ref, files []string) error {
	return c.one(ctx, "update", r.Object, writeInput{ID: r.ID, Trace: "0", Properties: map[string]string{propAttachments: strings.Join(files, ";")}})
}

// one creates or updates one record.
func (c *conn) one(ctx context.Context, call, object string, in writeInput) error {
	k, _ := kindOf(object)
	w := &writing{input: in, op: connector.Op{Ref: record.Ref{Object: object, ID: in.ID}}}
	if err := c.sendBatch(ctx, newDefinitions(k), call, []*writing{w}); err != nil {
		return err
	}
	if w.result.Err != nil {
		return fmt.Errorf("%s %s: %w", call, object, w.result.Err)
	}
	return nil
}

// unhang takes a file off one note or activity, and puts a note that has nothing else into the bin.
func (c *conn) unhang(ctx context.Context, h holder, f connector.File) error {
	rest := without(h.files, []string{f.ID})
	if len(rest) > 0 || !h.bare || h.ref == f.Of {
		return c.setAttachments(ctx, h.ref, rest)
	}
	note, _ := kindOf(notes)
	w := &writing{op: connector.Op{Ref: h.ref, Verb: connector.Archive}}
	c.archive(ctx, newDefinitions(note), []*writing{w})
	return w.result.Err
}

// versionOf reads a record's version.
func (c *conn) versionOf(ctx context.Context, r record.Ref) (string, error) {
	k, err := wanted(r.Object)
	if err != nil {
		return "", err
	}
	d := newDefinitions(k)
	rows, err := c.batchRead(ctx, d, reading{ids: []string{r.ID}, names: []string{stampOf(r.Object)}})
	if err != nil || len(rows) == 0 {
		return "", err
	}
	return d.record(rows[0]).Version, nil
}
