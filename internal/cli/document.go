package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
)

// A document is the configuration as it counts: the file's, or the one that was adopted.
type document struct {
	name     string // what problems begin with; the folder of relative paths is that of the file
	text     []byte
	file     []byte         // the text of the file as it is
	adoption store.Adoption // zero = the file counts
	edited   bool           // the file is neither the one that was adopted nor the current version
}

// adopted reports whether the configuration is kept in the database.
func (d document) adopted() bool { return d.adoption.Current.Number > 0 }

// fingerprint tells a text of the file from another one.
func fingerprint(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// documentOf decides which text counts.
func documentOf(name string, file []byte, adoption store.Adoption, adopted bool) document {
	d := document{name: name, text: file, file: file}
	if !adopted {
		return d
	}
	d.adoption, d.text = adoption, []byte(adoption.Current.Text)
	d.name = fmt.Sprintf("%s (version %d)", name, adoption.Current.Number)
	d.edited = fingerprint(file) != adoption.File && string(file) != adoption.Current.Text
	return d
}

// document finds out which text counts. The database is that of the file.
func (a *app) document(ctx context.Context) (_ document, err error) {
	file, err := a.source()
	if err != nil {
		return document{}, err
	}
	o, ok, err := a.outlineOf(file)
	if err != nil || !ok {
		return document{name: a.config, text: file, file: file}, err
	}
	s, err := openDatabase(ctx, o.Database, look)
	if errors.Is(err, store.ErrOlder) {
		s, err = openDatabase(ctx, o.Database, touch) // which brings it up to date: no command would get further
	}
	if err != nil {
		return document{}, err
	}
	defer (&session{store: s}).close(&err)
	adoption, adopted, err := s.Adoption(ctx)
	return documentOf(a.config, file, adoption, adopted), err
}

// outlineOf reads where the database is. A file in which not even that can be read has its
// problems told by whoever reads all of it.
func (a *app) outlineOf(text []byte) (plan.Outline, bool, error) {
	env, err := a.environment()
	if err != nil {
		return plan.Outline{}, false, err
	}
	o, problems := plan.ParseOutline(a.config, text, env)
	return o, !problems.HasErrors() && o.Database != "sqlite::memory:", nil
}

// counting is document for commands that work by the configuration: they refuse one of which it
// is not clear what counts.
func (a *app) counting(ctx context.Context) (document, error) {
	d, err := a.document(ctx)
	if err != nil || !d.edited {
		return d, err
	}
	n := d.adoption.Current.Number
	return d, usage("%s was edited, and the configuration is kept in the database since %s adopted it (now version %d); decide which counts:\n"+
		"  tandem config adopt takes the file as version %d\n"+
		"  tandem config export --replace %s puts version %d in the file's place\n"+
		"  tandem config release lets the file count alone",
		a.config, orNobody(d.adoption.By), n, n+1, a.config, n)
}

func orNobody(name string) string {
	if name == "" {
		return "somebody"
	}
	return name
}

// parse reads a text as it would be served.
func (a *app) parse(ctx context.Context, name string, text []byte) (*plan.Plan, plan.Problems, error) {
	env, err := a.environment()
	if err != nil {
		return nil, nil, err
	}
	p, problems := plan.ParseFrom(name, text, plan.Sources{Env: env, Vault: a.vaultFor(ctx, env)}, a.specs())
	return p, problems, nil
}
