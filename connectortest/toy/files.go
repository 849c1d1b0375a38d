package toy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// maxFile is the most that the vendor takes: https://toy.example/docs/papers
const maxFile = 64 << 10

// Files lists what hangs on a card.
func (c *conn) Files(ctx context.Context, r record.Ref) ([]connector.File, error) {
	if err := hasFiles(r); err != nil {
		return nil, err
	}
	var got wirePapers
	call := rest.Call{Path: "/papers", Query: url.Values{"row": {r.ID}}, Into: &got}
	if _, err := c.api.Do(ctx, call); err != nil {
		return nil, fmt.Errorf("list the papers of %s: %w", r.ID, err)
	}
	out := make([]connector.File, 0, len(got.Papers))
	for _, p := range got.Papers {
		out = append(out, p.file(r))
	}
	slices.SortFunc(out, func(x, y connector.File) int {
		return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.ID, y.ID))
	})
	return out, nil
}

// OpenFile reads a paper.
func (c *conn) OpenFile(ctx context.Context, f connector.File) (io.ReadCloser, error) {
	_, body, err := c.api.Open(ctx, rest.Call{Path: "/paper", Query: url.Values{"id": {f.ID}}})
	if err != nil {
		return nil, fmt.Errorf("open paper %s: %w", f.ID, err)
	}
	return body, nil
}

// AddFile adds a paper. The vendor knows its key again.
func (c *conn) AddFile(ctx context.Context, key string, r record.Ref, f connector.File, body io.Reader) (connector.File, connector.Result, error) {
	result := connector.Result{Ref: r}
	if err := hasFiles(r); err != nil {
		return connector.File{}, result, err
	}
	bytes, err := whole(f, body)
	if err != nil {
		return connector.File{}, result, err
	}
	var got wirePaperMade
	_, err = c.api.Do(ctx, rest.Call{
		Method: http.MethodPost, Path: "/papers", Body: bytes, Into: &got,
		Query:  url.Values{"row": {r.ID}, "key": {key}, "name": {f.Name}, "type": {f.Type}},
		Header: http.Header{"Content-Type": {"application/octet-stream"}},
	})
	if err != nil {
		return connector.File{}, result, fmt.Errorf("add a paper to %s: %w", r.ID, err)
	}
	result.Version = strconv.FormatInt(got.Rev, 10)
	return got.Paper.file(r), result, nil
}

// whole reads a body that is not too large.
func whole(f connector.File, body io.Reader) ([]byte, error) {
	tooLarge := &connector.Error{
		Kind: connector.Invalid, Scope: connector.ScopeRecord, Fix: "the toy takes files of up to 64 KB",
		Err: errors.New("the file is too large"),
	}
	if f.Size > maxFile {
		return nil, tooLarge
	}
	b, err := io.ReadAll(io.LimitReader(body, maxFile+1))
	if err != nil {
		return nil, &connector.Error{Kind: connector.Unavailable, Scope: connector.ScopeRecord, Err: fmt.Errorf("read the file: %w", err)}
	}
	if len(b) > maxFile {
		return nil, tooLarge
	}
	return b, nil
}

// RemoveFile removes a paper.
func (c *conn) RemoveFile(ctx context.Context, f connector.File) error {
	_, err := c.api.Do(ctx, rest.Call{Method: http.MethodDelete, Path: "/papers", Query: url.Values{"id": {f.ID}}})
	if err != nil && connector.KindOf(err) != connector.NotFound {
		return fmt.Errorf("remove paper %s: %w", f.ID, err)
	}
	return nil
}

func hasFiles(r record.Ref) error {
	if r.Object == cards {
		return nil
	}
	return &connector.Error{
		Kind: connector.Unsupported, Scope: connector.ScopeObject, Err: fmt.Errorf("%s have no papers", r.Object),
	}
}

type (
	wirePapers struct {
		Papers []wirePaper `json:"papers"`
	}
	wirePaper struct {
		ID   string `json:"id"`
		Name string `json:"name"`
		Type string `json:"type"`
		Size int64  `json:"size"`
		Sum  string `json:"sum"` // SHA-256
		At   int64  `json:"at"`  // milliseconds since 1970
	}
	wirePaperMade struct {
		Paper wirePaper `json:"paper"`
		Rev   int64     `json:"rev"`
	}
)

func (p wirePaper) file(of record.Ref) connector.File {
	return connector.File{
		ID: p.ID, Of: of, Name: p.Name, Size: p.Size, Type: p.Type,
		Hash: "sha256:" + p.Sum, Modified: time.UnixMilli(p.At).UTC(),
	}
}
