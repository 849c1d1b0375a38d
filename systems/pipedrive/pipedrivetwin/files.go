package pipedrivetwin

import (
	"cmp"
	"crypto/sha1" //nolint:gosec // makes an address look as it does
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/twin"
)

// filesHost is where the bytes are: by an address that is good for a while, and not with a
// credential of the API.
const (
	filesHost = "pipedrive-files.s3.eu-central-1.amazonaws.com"
	filesPath = "stored-files"
	fileLife  = 5 * time.Minute
)

// A file is one that hangs on records; see https://developers.pipedrive.com/docs/api/v1/Files
type file struct {
	id       int64
	name     string // as people see it
	stored   string
	about    string
	content  []byte
	on       map[string]any // the records: "deal_id"
	remote   string
	mail     string
	add, upd time.Time
	gone     bool
}

// blob is an answer that is no JSON.
type blob []byte

// fileOwners are the parameters that say what a file hangs on, with the object.
func fileOwners() [][2]string {
	return [][2]string{
		{"deal_id", deals}, {"person_id", persons}, {"org_id", organizations}, {"product_id", products},
		{"activity_id", activities}, {"lead_id", leads}, {"project_id", ""},
	}
}

// Attach lets a person put a file on a record and returns its id.
func (c *Company) Attach(object, id, name string, content []byte) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, err := c.live(object, id)
	if err != nil {
		return "", fmt.Errorf("attach %s: %w", name, err)
	}
	i := slices.IndexFunc(fileOwners(), func(o [2]string) bool { return o[1] == object })
	if i < 0 {
		return "", fmt.Errorf("attach %s: no files of %s", name, object)
	}
	f := c.keepFile(name, content, map[string]any{fileOwners()[i][0]: c.object(object).shown(n)})
	return strconv.FormatInt(f.id, 10), nil
}

// Mailed makes a file the attachment of a mail.
func (c *Company) Mailed(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.file(id); f != nil {
		f.mail = "31"
	}
}

// Linked makes a file one that lies at Google only.
func (c *Company) Linked(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.file(id); f != nil {
		f.remote = "googledrive"
	}
}

// keepFile keeps a file. With a deal it hangs on the deal's person and organization too, and
// with a person on its organization; how far that goes is not documented.
func (c *Company) keepFile(name string, content []byte, on map[string]any) *file {
	now := c.Now().Truncate(time.Second)
	id := int64(len(c.files) + 1)
	f := &file{
		id: id, name: name, stored: fmt.Sprintf("%s_%08x%s", strings.TrimSuffix(name, path.Ext(name)), id*2654435761%(1<<32), path.Ext(name)),
		content: content, on: on, add: now, upd: now, remote: "s3",
	}
	for _, owner := range []string{deals, persons} {
		key := map[string]string{deals: "deal_id", persons: "person_id"}[owner]
		if on[key] == nil {
			continue
		}
		if n := c.object(owner).find(fmt.Sprint(on[key])); n != nil {
			for _, further := range []string{"person_id", "org_id"} {
				if on[further] == nil && n.f[further] != nil {
					on[further] = n.f[further]
				}
			}
		}
	}
	c.files = append(c.files, f)
	return f
}

func (f *file) render() map[string]any {
	m := map[string]any{
		"id": f.id, "user_id": 1, "add_time": oldStamp(f.add), "update_time": oldStamp(f.upd), "file_name": f.stored, "file_size": len(f.content),
		"active_flag": !f.gone, "inline_flag": false, "remote_location": f.remote, "remote_id": nil, "cid": nil, "s3_bucket": nil,
		"mail_message_id": nil, "mail_template_id": nil, "name": f.name, "description": f.about,
		"url": "https://" + domain + ".pipedrive.com/api/v1/files/" + strconv.FormatInt(f.id, 10) + "/download",
	}
	if f.mail != "" {
		m["mail_message_id"] = f.mail
	}
	for _, owner := range fileOwners() {
		m[owner[0]] = nil
	}
	maps.Copy(m, f.on)
	return m
}

func (c *Company) file(id string) *file {
	i := slices.IndexFunc(c.files, func(f *file) bool { return strconv.FormatInt(f.id, 10) == id && !f.gone })
	if i < 0 {
		return nil
	}
	return c.files[i]
}

// filesCall answers /v1/files[/{id}[/download]].
func (c *Company) filesCall(r *request) (int, any) {
	if c.lacking["contacts:read"] && c.lacking["deals:read"] {
		return 0, mismatch()
	}
	switch {
	case len(r.path) == 1 && r.Method == "GET":
		return c.fileRows(r, func(*file) bool { return true })
	case len(r.path) == 1 && r.Method == "POST":
		return c.upload(r)
	case len(r.path) < 2 || len(r.path) > 3 || len(r.path) == 3 && (r.path[2] != "download" || r.Method != "GET"):
		return c.unknown(r)
	}
	r.query()
	f := c.file(r.path[1])
	switch {
	case f == nil:
		return 0, failOld(404, "File not found")
	case len(r.path) == 3:
		return c.download(r, f)
	case r.Method == "GET":
		return 200, c.envelope(f.render())
	case r.Method == "PUT":
		return c.describe(r, f)
	case r.Method == "DELETE":
		f.gone, f.upd = true, c.Now()
		c.actFile("delete", f)
		return 200, c.envelope(map[string]any{"id": f.id})
	}
	return 0, methodNotAllowed()
}

// filesOf answers /v1/persons/{id}/files and those of other objects.
func (c *Company) filesOf(r *request, o *object) (int, any) {
	if c.lacking[o.scope+":read"] {
		return 0, mismatch()
	}
	n := o.find(r.path[1])
	if r.Method != "GET" {
		return 0, methodNotAllowed()
	}
	if n == nil || n.deleted || n.into != "" || c.hidden(n) {
		return 0, &failure{status: 404, Error: "requested " + singular(o.name) + " not found"}
	}
	i := slices.IndexFunc(fileOwners(), func(owner [2]string) bool { return owner[1] == o.name })
	key := fileOwners()[i][0]
	return c.fileRows(r, func(f *file) bool { return fmt.Sprint(f.on[key]) == n.id })
}

// fileRows answers a list of files: of none its data is null.
func (c *Company) fileRows(r *request, wanted func(*file) bool) (int, any) {
	q := r.query("start", "limit", "sort")
	limit, f := c.limit(q["limit"], 100)
	if f != nil {
		return 0, f
	}
	if field, _, _ := strings.Cut(cmp.Or(q["sort"], "id"), " "); field != "id" && field != "update_time" {
		c.Unknown(r.Request, "sort "+field)
	}
	var all []any
	for _, one := range c.files {
		if !one.gone && wanted(one) {
			all = append(all, one.render())
		}
	}
	start, err := strconv.Atoi(cmp.Or(q["start"], "0"))
	if err != nil || start < 0 {
		return 0, failOld(400, "start is not valid")
	}
	from := min(start, len(all))
	to := min(from+limit, len(all))
	pages := map[string]any{"start": start, "limit": limit, "more_items_in_collection": to < len(all)}
	if to < len(all) {
		pages["next_start"] = to
	}
	var data any
	if to > from {
		data = all[from:to]
	}
	return 200, map[string]any{"success": true, "data": data, "additional_data": map[string]any{"pagination": pages}}
}

// upload answers POST of a form with a file and what it hangs on.
func (c *Company) upload(r *request) (int, any) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		return 0, fail(415, "Unsupported media type", "")
	}
	name, content, on := "", []byte(nil), map[string]any{}
	for form := multipart.NewReader(r.Body, params["boundary"]); ; {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, failOld(400, "the form cannot be read")
		}
		text, err := io.ReadAll(part)
		if err != nil {
			return 0, failOld(400, "the form cannot be read")
		}
		if part.FormName() == "file" {
			name, content = part.FileName(), text
			continue
		}
		if f := c.hangOn(r, on, part.FormName(), string(text)); f != nil {
			return 0, f
		}
	}
	if name == "" {
		return 0, failOld(400, "No file was given")
	}
	f := c.keepFile(name, content, on)
	c.actFile("create", f)
	return 200, c.envelope(f.render())
}

func (c *Company) hangOn(r *request, on map[string]any, key, id string) *failure {
	i := slices.IndexFunc(fileOwners(), func(o [2]string) bool { return o[0] == key && o[1] != "" })
	if i < 0 {
		c.Unknown(r.Request, "field "+key)
		return nil
	}
	o := c.object(fileOwners()[i][1])
	n := o.find(id)
	if n == nil || n.deleted || c.hidden(n) {
		return failOld(404, singular(o.name)+" not found")
	}
	on[key] = o.shown(n)
	return nil
}

// describe answers PUT: a form with the name and the description.
func (c *Company) describe(r *request, f *file) (int, any) {
	body, _ := io.ReadAll(r.Body) // it is in memory
	form, err := url.ParseQuery(string(body))
	if err != nil || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return 0, fail(415, "Unsupported media type", "")
	}
	for key := range form {
		switch key {
		case "name":
			f.name = form.Get(key)
		case "description":
			f.about = form.Get(key)
		default:
			c.Unknown(r.Request, "field "+key)
		}
	}
	f.upd = c.Now()
	c.actFile("update", f)
	return 200, c.envelope(f.render())
}

func (c *Company) actFile(verb string, f *file) {
	c.Ledger().Record(twin.Act{By: "api", Verb: verb, Object: "files", ID: strconv.FormatInt(f.id, 10), Fields: map[string]string{"name": f.name}})
}

// download sends the reader on to where the bytes are.
func (c *Company) download(r *request, f *file) (int, any) {
	if f.remote != "s3" {
		return 0, failOld(400, "Remote files cannot be downloaded")
	}
	origin := "https://" + filesHost
	if host, _, _ := strings.Cut(r.Host, ":"); host == "127.0.0.1" || host == "localhost" {
		origin = "http://" + r.Host
	}
	ends := c.Now().Add(fileLife).Unix()
	return 302, redirect(fmt.Sprintf("%s/%s/%d?X-Amz-Expires=%d&X-Amz-Signature=%s", origin, filesPath, f.id, ends, f.signature(ends)))
}

func (f *file) signature(ends int64) string {
	sum := sha1.Sum(fmt.Appendf(nil, "%d %d", f.id, ends)) //nolint:gosec // of a twin
	return hex.EncodeToString(sum[:])
}

// storedFile answers the store's address. It is no part of the API, and a credential of the
// API is none of its business.
func (c *Company) storedFile(r *request, id string) (int, any) {
	q := r.URL.Query()
	ends, _ := strconv.ParseInt(q.Get("X-Amz-Expires"), 10, 64)
	f := c.file(id)
	if r.Host == filesHost && (r.Header.Get("X-Api-Token") != "" || r.Header.Get("Authorization") != "") {
		c.Unknown(r.Request, "a credential at the store of files")
		return 400, blob(`<Error><Code>InvalidArgument</Code></Error>`)
	}
	if f == nil || q.Get("X-Amz-Signature") != f.signature(ends) || c.Now().Unix() >= ends {
		return 403, blob(`<Error><Code>AccessDenied</Code></Error>`)
	}
	return 200, blob(f.content)
}
