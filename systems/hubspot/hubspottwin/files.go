package hubspottwin

import (
	"cmp"
	"crypto/md5" //nolint:gosec // the vendor tells a file by it
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/twin"
)

const (
	filesScope = "files"
	filesHost  = "146000217.fs1.hubspotusercontent-eu1.net"
	signedFile = time.Hour // how long a signed address is good if nobody says it
	fileCap    = 20 << 20  // of a fresh account
	firstFile  = 190100001
)

// A file is one of the file manager; see
// https://developers.hubspot.com/docs/api-reference/2026-03/files/guide
type file struct {
	id      int64
	name    string // without the extension
	ext     string
	folder  string // "/library"
	access  string
	content []byte
	created time.Time
	gone    bool
}

// blob is an answer that is no JSON.
type blob []byte

func (x *file) sum() string {
	s := md5.Sum(x.content) //nolint:gosec // see above
	return hex.EncodeToString(s[:])
}

func (x *file) path() string { return strings.TrimSuffix(x.folder, "/") + "/" + x.name + "." + x.ext }

func (x *file) show() map[string]any {
	kind := "DOCUMENT"
	if slices.Contains([]string{"png", "jpg", "jpeg", "gif"}, x.ext) {
		kind = "IMG"
	}
	return map[string]any{
		"id": strconv.FormatInt(x.id, 10), "name": x.name, "extension": x.ext, "type": kind, "access": x.access, "path": x.path(),
		"size": len(x.content), "fileMd5": x.sum(), "archived": x.gone, "createdAt": stamp(x.created), "updatedAt": stamp(x.created),
		"parentFolderId": "1", "isUsableInContent": true, "url": "https://" + filesHost + "/hubfs/" + strconv.Itoa(portalID) + x.path(),
	}
}

// SetMaxFile sets how large a file may be: that is a matter of the subscription.
func (a *Account) SetMaxFile(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fileMax = n
}

// Attach lets a person put a file on a record: a note is made that has it. It returns the file's id.
func (a *Account) Attach(object, id, name string, content []byte) (string, error) {
	a.mu.Lock()
	x := a.store(name, "/crm-attachments", "PRIVATE", content)
	a.mu.Unlock()
	fileID := strconv.FormatInt(x.id, 10)
	note, err := a.Put("notes", "", map[string]string{
		"hs_timestamp": x.created.Format(time.RFC3339), "hs_note_body": "See the file", "hs_attachment_ids": fileID,
	})
	if err == nil {
		err = a.AssociateAs("notes", note, object, id, "", 0)
	}
	if err != nil {
		return "", fmt.Errorf("attach %s: %w", name, err)
	}
	return fileID, nil
}

// StoredFiles returns the paths of the files in the file manager, oldest first.
func (a *Account) StoredFiles() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := []string{}
	for _, x := range a.files {
		if !x.gone {
			out = append(out, x.access+" "+x.path())
		}
	}
	return out
}

// store keeps a file under a name that no other of the folder has.
func (a *Account) store(name, folder, access string, content []byte) *file {
	ext := strings.TrimPrefix(path.Ext(name), ".")
	x := &file{
		id: firstFile + int64(len(a.files)), name: strings.TrimSuffix(name, path.Ext(name)), ext: ext,
		folder: "/" + strings.Trim(folder, "/"), access: access, content: content, created: a.Now().Truncate(time.Millisecond),
	}
	base := x.name
	for n := 1; slices.ContainsFunc(a.files, func(y *file) bool { return !y.gone && y.path() == x.path() }); n++ {
		x.name = fmt.Sprintf("%s-%d", base, n)
	}
	a.files = append(a.files, x)
	return x
}

func (a *Account) file(text string) *file {
	n, _ := parseID(text)
	i := slices.IndexFunc(a.files, func(x *file) bool { return x.id == n && !x.gone })
	if i < 0 {
		return nil
	}
	return a.files[i]
}

// filesCall answers /files/{version}/files[/…]. The version 2026-09 has no uploads and no
// signed addresses, by its published description.
func (a *Account) filesCall(r *request) (int, any) {
	if len(r.path) == 0 || r.path[0] != "files" || r.version == "2026-09" {
		return a.unknown(r)
	}
	if f := r.lacks(filesScope); f != nil {
		return 0, f
	}
	switch {
	case len(r.path) == 1 && r.Method == http.MethodPost:
		return a.upload(r)
	case len(r.path) == 2 && r.path[1] == "search" && r.Method == http.MethodGet:
		return a.searchFiles(r)
	case len(r.path) < 2 || len(r.path) > 3:
		return a.unknown(r)
	}
	x := a.file(r.path[1])
	switch {
	case x == nil:
		return 0, fail(404, "OBJECT_NOT_FOUND", "File "+r.path[1]+" does not exist.")
	case len(r.path) == 3 && r.path[2] == "signed-url" && r.Method == http.MethodGet:
		return a.sign(r, x)
	case len(r.path) == 2 && r.Method == http.MethodGet:
		r.query("properties")
		return 200, x.show()
	case len(r.path) == 2 && r.Method == http.MethodDelete:
		x.gone = true
		a.Ledger().Record(twin.Act{At: r.now, By: "api", Verb: "delete", Object: "files", ID: r.path[1]})
		return 204, nil
	}
	return a.unknown(r)
}

// upload answers POST …/files, a form with the file and what to do with it.
func (a *Account) upload(r *request) (int, any) {
	r.query()
	if err := r.ParseMultipartForm(64 << 20); err != nil { //nolint:gosec // serve has read it, and capped it
		return 0, fail(415, "VALIDATION_ERROR", "Expected multipart/form-data")
	}
	for name := range r.MultipartForm.Value {
		if !slices.Contains([]string{"options", "folderPath", "folderId", "fileName", "charsetHunch"}, name) {
			a.Unknown(r.Request, "form field "+name)
		}
	}
	part, head, err := r.FormFile("file")
	if err != nil {
		return 0, invalid("file is required")
	}
	content, err := io.ReadAll(part)
	if err != nil {
		return 0, invalid("file cannot be read")
	}
	var options struct{ Access, TTL string }
	d := json.NewDecoder(strings.NewReader(r.FormValue("options")))
	d.DisallowUnknownFields()
	folder, folderID := r.FormValue("folderPath"), r.FormValue("folderId")
	switch err := d.Decode(&options); {
	case err != nil || !slices.Contains([]string{"PRIVATE", "PUBLIC_INDEXABLE", "PUBLIC_NOT_INDEXABLE"}, options.Access):
		return 0, invalid("options must name the access of the file")
	case (folder == "") == (folderID == ""):
		return 0, invalid("Either folderId or folderPath is required, and not both")
	case len(content) > cmp.Or(a.fileMax, fileCap):
		return 0, invalid("The file is larger than the account allows")
	}
	x := a.store(cmp.Or(r.FormValue("fileName"), head.Filename), folder, options.Access, content)
	a.Ledger().Record(twin.Act{At: r.now, By: "api", Verb: "create", Object: "files", ID: strconv.FormatInt(x.id, 10)})
	return 201, x.show()
}

// searchFiles answers GET …/files/search. The twin takes it for an index that is as far behind
// as that of the CRM, which is not documented.
func (a *Account) searchFiles(r *request) (int, any) {
	q := r.query("fileMd5", "limit", "sort", "name", "after")
	limit, f := a.limit(q["limit"], 10, 100)
	if f != nil {
		return 0, f
	}
	if sort := q["sort"]; sort != "" && sort != "createdAt" && sort != "-createdAt" {
		a.Unknown(r.Request, "sort "+sort)
	}
	results := []map[string]any{}
	for _, x := range a.files {
		switch {
		case x.gone, q["fileMd5"] != "" && q["fileMd5"] != x.sum(), q["name"] != "" && q["name"] != x.name, r.now.Sub(x.created) < a.lag:
			continue
		}
		results = append(results, x.show())
	}
	if strings.HasPrefix(q["sort"], "-") {
		slices.Reverse(results)
	}
	from, _ := strconv.Atoi(q["after"])
	results = results[min(max(from, 0), len(results)):]
	m := map[string]any{}
	if len(results) > limit {
		results = results[:limit]
		m["paging"] = next(int64(max(from, 0) + limit))
	}
	m["results"] = results
	return 200, m
}

// sign answers GET …/files/{id}/signed-url: an address at another host which is good for a while.
func (a *Account) sign(r *request, x *file) (int, any) {
	q := r.query("expirationSeconds")
	life := signedFile
	if n, err := strconv.Atoi(q["expirationSeconds"]); err == nil && n > 0 {
		life = time.Duration(n) * time.Second
	}
	expires := r.now.Add(life)
	origin := "https://" + filesHost
	switch host, _, _ := strings.Cut(r.Host, ":"); host {
	case "api.hubapi.com":
	case "127.0.0.1", "localhost":
		origin = "http://" + r.Host
	default:
		origin = "https://" + r.Host
	}
	return 200, map[string]any{
		"url":       fmt.Sprintf("%s/hubfs-signed/%d?Expires=%d&Signature=%s", origin, x.id, expires.Unix(), x.signature(expires.Unix())),
		"expiresAt": stamp(expires), "name": x.name, "extension": x.ext, "size": len(x.content), "type": x.show()["type"],
	}
}

func (x *file) signature(expires int64) string {
	s := md5.Sum(fmt.Appendf(nil, "%d %d", x.id, expires)) //nolint:gosec // of a twin
	return hex.EncodeToString(s[:])
}

// signed answers a signed address. Its store is another one than the API, and refuses a
// second credential, as such stores do.
func (a *Account) signed(r *request) (int, any) {
	q := r.URL.Query()
	expires, _ := strconv.ParseInt(q.Get("Expires"), 10, 64)
	x := a.file(path.Base(r.URL.Path))
	switch {
	case r.Header.Get("Authorization") != "":
		return 400, []byte(`{"code":"InvalidArgument","message":"Only one auth mechanism allowed"}`)
	case x == nil || q.Get("Signature") != x.signature(expires) || r.now.Unix() >= expires:
		return 403, []byte(`{"code":"AccessDenied","message":"Access denied"}`)
	}
	return 200, blob(x.content)
}

// DeleteFile lets a person delete a file in the file manager. The notes go on naming it.
func (a *Account) DeleteFile(id string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	x := a.file(id)
	if x == nil {
		return fmt.Errorf("delete file %s: no such file", id)
	}
	x.gone = true
	return nil
}
