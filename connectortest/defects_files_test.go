package connectortest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

// alterFiles changes what is listed.
func alterFiles(alter func([]connector.File) []connector.File) func(*mutant, context.Context, record.Ref) ([]connector.File, error) {
	return func(m *mutant, ctx context.Context, r record.Ref) ([]connector.File, error) {
		got, err := m.good.Files.Files(ctx, r)
		return alter(got), err
	}
}

// alterAdd changes what an AddFile is called with.
func alterAdd(alter func(key *string, r *record.Ref, f *connector.File, body *io.Reader)) func(*mutant, context.Context, string, record.Ref, connector.File, io.Reader) (connector.File, connector.Result, error) {
	return func(m *mutant, ctx context.Context, key string, r record.Ref, f connector.File, body io.Reader) (connector.File, connector.Result, error) {
		alter(&key, &r, &f, &body)
		return m.good.Files.AddFile(ctx, key, r, f, body)
	}
}

// keyless forgets the key, as a vendor does that has no place for it.
func keyless(key *string, _ *record.Ref, _ *connector.File, _ *io.Reader) { *key = "" }

func fileDefects() []defect {
	const once, removed, large = "a file is added once per key", "a file is removed", "a file that is too large is refused"
	const nobody, unheard = "a record that is not there has no files", "an upload of unknown outcome makes no second file"
	return []defect{
		{name: "forgets the key", scenario: once, says: "repeated with its key", addFile: alterAdd(keyless)},
		{
			name: "takes equal bytes for one file", scenario: once, says: "the same file",
			addFile: alterAdd(func(key *string, _ *record.Ref, f *connector.File, _ *io.Reader) { *key = f.Name }),
		},
		{
			name: "sends other bytes", scenario: once, says: "came back as",
			addFile: alterAdd(func(_ *string, _ *record.Ref, _ *connector.File, body *io.Reader) {
				*body = io.MultiReader(bytes.NewReader([]byte{0xef, 0xbb, 0xbf}), *body)
			}),
		},
		{
			name: "cuts a file short", scenario: once, says: "came back as",
			openFile: func(m *mutant, ctx context.Context, f connector.File) (io.ReadCloser, error) {
				body, err := m.good.Files.OpenFile(ctx, f)
				if err != nil {
					return nil, err
				}
				return struct {
					io.Reader
					io.Closer
				}{io.LimitReader(body, 20), body}, nil
			},
		},
		{
			name: "lists in no order", scenario: once, says: "not in the order",
			files: alterFiles(func(all []connector.File) []connector.File { slices.Reverse(all); return all }),
		},
		{
			name: "names a version that is not the record's", scenario: once, says: "with the file the record has version",
			addFile: func(m *mutant, ctx context.Context, key string, r record.Ref, f connector.File, body io.Reader) (connector.File, connector.Result, error) {
				f, res, err := m.good.Files.AddFile(ctx, key, r, f, body)
				res.Version = "0"
				return f, res, err
			},
		},
		{
			name: "removes nothing", scenario: removed, says: "after the removal",
			removeFile: func(*mutant, context.Context, connector.File) error { return nil },
		},
		{
			name: "insists on what is gone", scenario: removed, says: "remove a file",
			removeFile: func(m *mutant, ctx context.Context, f connector.File) error {
				all, err := m.good.Files.Files(ctx, f.Of)
				if err == nil && !slices.ContainsFunc(all, func(x connector.File) bool { return x.ID == f.ID }) {
					return &connector.Error{Kind: connector.NotFound, Err: errors.New("no such file")}
				}
				return m.good.Files.RemoveFile(ctx, f)
			},
		},
		{
			name: "takes the beginning of what is too large", scenario: large, says: "a file of size",
			addFile: alterAdd(func(_ *string, _ *record.Ref, f *connector.File, body *io.Reader) {
				f.Size, *body = 64<<10, io.LimitReader(*body, 64<<10)
			}),
		},
		{
			name: "reads before it refuses", scenario: large, says: "bytes were read",
			addFile: alterAdd(func(_ *string, _ *record.Ref, f *connector.File, _ *io.Reader) { f.Size = -1 }),
		},
		{
			name: "has no files where there is no record", scenario: nobody, says: "files of a record that is not there",
			files: func(m *mutant, ctx context.Context, r record.Ref) ([]connector.File, error) {
				got, err := m.good.Files.Files(ctx, r)
				if connector.KindOf(err) == connector.NotFound {
					return nil, nil
				}
				return got, err
			},
		},
		{name: "forgets the key when nobody answers", scenario: unheard, says: "repeated after", addFile: alterAdd(keyless)},
		{
			name: "takes no answer for none", scenario: unheard, says: "adding a file with",
			addFile: func(m *mutant, ctx context.Context, key string, r record.Ref, f connector.File, body io.Reader) (connector.File, connector.Result, error) {
				f, res, err := m.good.Files.AddFile(ctx, key, r, f, body)
				if connector.KindOf(err) == connector.Ambiguous {
					err = &connector.Error{Kind: connector.Unavailable, Err: err}
				}
				return f, res, err
			},
		},
	}
}
