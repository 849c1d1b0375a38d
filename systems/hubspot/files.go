package hubspot

import (
	"cmp"
	"context"
	"crypto/md5" //nolint:gosec // HubSpot tells a file by it
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

const (
	settingFiles = "files"
	scopeFiles   = "files"
	areaFiles    = "files"

	// The dated paths with uploads and signed addresses are those of this version; in the
	// next one they are published as a preview only. See
	// https://developers.hubspot.com/docs/api-reference/2026-03/files/guide
	versionFiles = "2026-03"

	// maxFile is what we hold in memory; HubSpot takes more or less than that, by
	// subscription and kind of file.
	maxFile = 20 << 20

	signedFor = "300" // seconds in which the bytes have to be asked for

	propAttachments = "hs_attachment_ids"
	propBody        = "hs_note_body"
)

// storedFile is a file as the file manager has it; see
// https://developers.hubspot.com/docs/api-reference/2026-03/files/guide
type storedFile struct {
	ID        flexText `json:"id"`
	Name      string   `json:"name"` // without the extension
	Extension string   `json:"extension"`
	Path      string   `json:"path"`
	Size      *int64   `json:"size"`
	MD5       string   `json:"fileMd5"`
	UpdatedAt instant  `json:"updatedAt"`
}

// file tells of a file. HubSpot names no media types, only whether it is a picture or a document.
func (s storedFile) file(of record.Ref) connector.File {
	f := connector.File{ID: string(s.ID), Of: of, Name: s.Name, Size: -1, Modified: time.Time(s.UpdatedAt)}
	if s.Extension != "" {
		f.Name += "." + strings.TrimPrefix(s.Extension, ".")
	}
	if s.Size != nil {
		f.Size = *s.Size
	}
	if s.MD5 != "" {
		f.Hash = "md5:" + strings.ToLower(s.MD5)
	}
	return f
}

// in reports whether a file lies in a folder of the file manager, or below it.
func (s storedFile) in(folder string) bool {
	return strings.HasPrefix("/"+strings.TrimPrefix(s.Path, "/"), folder+"/")
}

// filesPath returns a path of the files API.
func (c *conn) filesPath(parts ...string) string {
	version := versionFiles
	if c.version == versionLegacy {
		version = versionLegacy
	}
	return "/files/" + version + "/files" + strings.Join(append([]string{""}, parts...), "/")
}

// Files lists the files of a record. A file hangs on a record through a note that is
// associated with it and names the file in its attachments; on an activity it hangs by itself.
// A note on several records shows its files on all of them. What other activities of a record
// have attached, such as e-mails, is theirs and not listed with the record.
func (c *conn) Files(ctx context.Context, r record.Ref) ([]connector.File, error) {
	hung, err := c.hung(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("files of %s %s: %w", r.Object, r.ID, err)
	}
	stored, err := c.stored(ctx, hung)
	if err != nil {
		return nil, fmt.Errorf("files of %s %s: %w", r.Object, r.ID, err)
	}
	out := make([]connector.File, 0, len(stored))
	for _, s := range stored {
		out = append(out, s.file(r))
	}
	slices.SortFunc(out, func(x, y connector.File) int {
		return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.ID, y.ID))
	})
	return out, nil
}

// stored reads what the file manager tells of files; those that were deleted are left out.
func (c *conn) stored(ctx context.Context, hung []holder) ([]storedFile, error) {
	var ids []string
	for _, h := range hung {
		ids = appendNew(ids, h.files...)
	}
	var out []storedFile
	for _, id := range ids {
		s, err := c.storedFile(ctx, id)
		if connector.KindOf(err) == connector.NotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func (c *conn) storedFile(ctx context.Context, id string) (storedFile, error) {
	var s storedFile
	_, err := c.read(ctx, rest.Call{Path: c.filesPath(url.PathEscape(id)), Into: &s})
	if err != nil {
		return s, fmt.Errorf("read file %s: %w", id, err)
	}
	return s, nil
}

// OpenFile asks for a signed address and reads from there. The address lies elsewhere and is
// its own right to be read: our credential does not go there (C9).
func (c *conn) OpenFile(ctx context.Context, f connector.File) (io.ReadCloser, error) {
	var signed struct {
		URL string `json:"url"`
	}
	_, err := c.read(ctx, rest.Call{
		Path: c.filesPath(url.PathEscape(f.ID), "signed-url"), Query: url.Values{"expirationSeconds": {signedFor}}, Into: &signed,
	})
	if err != nil {
		return nil, fmt.Errorf("sign the address of file %s: %w", f.ID, err)
	}
	_, body, err := c.api.Open(rest.WithCost(rest.WithLink(ctx), limitBurst, 0), rest.Call{Path: signed.URL})
	if err != nil {
		return nil, fmt.Errorf("open file %s: %w", f.ID, err)
	}
	return body, nil
}

// AddFile uploads a file, to be read by users of the account only, into a folder that the key
// names, and then hangs it on the record by a new note. Each of the two is looked for before it
// is done: a file of that folder among those of the record, then one with these bytes in it.
func (c *conn) AddFile(ctx context.Context, key string, r record.Ref, f connector.File, body io.Reader) (connector.File, connector.Result, error) {
	result := connector.Result{Ref: r}
	bytes, err := connector.ReadFile(f, body, maxFile)
	if err != nil {
		return connector.File{}, result, err
	}
	s, err := c.addFile(ctx, folderOf(key), key, r, f, bytes)
	if err != nil {
		return connector.File{}, result, fmt.Errorf("add a file to %s %s: %w", r.Object, r.ID, err)
	}
	if result.Version, err = c.versionOf(ctx, r); err != nil { // it hangs there: this is no failure
		result.Version = ""
	}
	return s.file(r), result, nil
}

func (c *conn) addFile(ctx context.Context, folder, key string, r record.Ref, f connector.File, bytes []byte) (storedFile, error) {
	hung, err := c.hung(ctx, r)
	if err != nil {
		return storedFile{}, err
	}
	stored, err := c.stored(ctx, hung)
	if err != nil {
		return storedFile{}, err
	}
	if i := slices.IndexFunc(stored, func(s storedFile) bool { return s.in(folder) }); i >= 0 {
		return stored[i], nil // carried out before
	}
	sum := md5.Sum(bytes) //nolint:gosec // see above
	s, found, err := c.uploaded(ctx, folder, hex.EncodeToString(sum[:]))
	if err == nil && !found {
		s, err = c.upload(ctx, folder, f, bytes)
	}
	if connector.KindOf(err) == connector.Ambiguous { // R16
		if seen, found, lookErr := c.uploaded(ctx, folder, hex.EncodeToString(sum[:])); found && lookErr == nil {
			s, err = seen, nil
		}
	}
	if err != nil {
		return s, err
	}
	return s, c.hang(ctx, r, key, string(s.ID), hung)
}

// folderOf is the folder of one operation's file.
func folderOf(key string) string {
	sum := md5.Sum([]byte(key)) //nolint:gosec // no secret: it makes a name of any key
	return ourFolder + "/" + hex.EncodeToString(sum[:])
}

const ourFolder = "/tandem"

// RemoveFile takes a file off the notes of its record, and so off all records that a note is
// on. A note that we made for it goes too. The file itself is deleted if we uploaded it; what a
// person uploaded stays in the file manager.
func (c *conn) RemoveFile(ctx context.Context, f connector.File) error {
	hung, err := c.hung(ctx, f.Of)
	if err != nil && connector.KindOf(err) != connector.NotFound {
		return fmt.Errorf("remove file %s: %w", f.ID, err)
	}
	for _, h := range hung {
		if !slices.Contains(h.files, f.ID) {
			continue
		}
		if err := c.unhang(ctx, h, f); err != nil {
			return fmt.Errorf("remove file %s: %w", f.ID, err)
		}
	}
	s, err := c.storedFile(ctx, f.ID)
	if err == nil && s.in(ourFolder) {
		_, err = c.do(ctx, rest.Call{Method: http.MethodDelete, Path: c.filesPath(url.PathEscape(f.ID))})
	}
	if err != nil && connector.KindOf(err) != connector.NotFound {
		return fmt.Errorf("remove file %s: %w", f.ID, err)
	}
	return nil
}

// filesLack asks whether files may be read, where they are wanted.
func (c *conn) filesLack(ctx context.Context) ([]connector.Lack, error) {
	if c.settings[settingFiles] != "yes" {
		return nil, nil
	}
	_, err := c.read(ctx, rest.Call{Path: c.filesPath("search"), Query: url.Values{"limit": {"1"}}})
	switch {
	case isAbsent(err):
		return []connector.Lack{lackOf("", connector.LackFiles, err)}, nil
	case err != nil:
		return nil, fmt.Errorf("check files: %w", err)
	}
	return nil, nil
}
