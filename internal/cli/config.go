package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/tandemhub/tandem/internal/store"
)

type configCmd struct {
	Show    configShowCmd    `cmd:"" help:"Say where the configuration is kept, and by which version all goes."`
	Export  configExportCmd  `cmd:"" help:"Write the configuration that counts to standard output, or into a file."`
	Adopt   configAdoptCmd   `cmd:"" help:"Keep the file's configuration in the database from now on, where the console can change it."`
	Release configReleaseCmd `cmd:"" help:"Let the file count again."`
	History configHistoryCmd `cmd:"" help:"List the versions of the adopted configuration."`
}

type configShowCmd struct{}

type configExportCmd struct {
	File    string `arg:"" optional:"" help:"Where to; standard output if it is left out."`
	Version int    `placeholder:"N" help:"An older version."`
	Replace bool   `help:"Write over a file that is there."`
}

type configAdoptCmd struct {
	Note string `placeholder:"TEXT" help:"Why, for the list of versions."`
}

type configReleaseCmd struct{}

type configHistoryCmd struct {
	Most int `placeholder:"N" default:"50" help:"So many, the newest first. Default: 50."`
}

// configLine is tandem config show -o json.
type configLine struct {
	File    string     `json:"file"`
	Counts  string     `json:"counts"` // "file" or "database"
	Version int        `json:"version,omitempty"`
	By      string     `json:"by,omitempty"`
	At      *time.Time `json:"at,omitempty"`
	Edited  bool       `json:"edited"` // the file has been edited since, which is to be decided
}

// configVersionLine is one version in tandem config history -o json.
type configVersionLine struct {
	Version int       `json:"version"`
	By      string    `json:"by"`
	At      time.Time `json:"at"`
	Note    string    `json:"note,omitempty"`
}

// Run says what counts. It is an answer, too, that this is still to be decided: with 3.
func (c *configShowCmd) Run(ctx context.Context, a *app) error {
	d, err := a.document(ctx)
	if err != nil {
		return err
	}
	line := configLine{File: a.config, Counts: "file", Edited: d.edited}
	text := a.config + " counts; tandem config adopt keeps it in the database, where the console can change it\n"
	if now := d.adoption.Current; d.adopted() {
		line.Counts, line.Version, line.By, line.At = "database", now.Number, now.By, &now.At
		text = fmt.Sprintf("version %d in the database counts, saved by %s at %s; %s is not used\n", now.Number, orNobody(now.By), stamp(now.At, nil), a.config)
	}
	if d.edited {
		text += a.config + " has been edited since: commands refuse to work until tandem config adopt, export --replace or release decides\n"
	}
	if a.json {
		err = a.line(line)
	} else {
		err = a.print(text)
	}
	if err == nil && d.edited {
		return exit(exitReview)
	}
	return err
}

// Run writes the configuration out.
func (c *configExportCmd) Run(ctx context.Context, a *app) error {
	d, err := a.document(ctx)
	if err != nil {
		return err
	}
	text := d.text
	if c.Version > 0 {
		err := a.withDatabase(ctx, look, func(s *store.Store) error {
			v, found, err := s.Configuration(ctx, c.Version)
			if err == nil && !found {
				err = usage("there is no version %d; tandem config history lists them", c.Version)
			}
			text = []byte(v.Text)
			return err
		})
		if err != nil {
			return err
		}
	}
	if c.File == "" {
		return a.print(string(text))
	}
	if exists(c.File) && !c.Replace {
		return usage("%s exists already, and is left as it is; --replace writes over it", c.File)
	}
	if err := replaceFile(c.File, text); err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	return a.print("wrote " + c.File + "\n")
}

// replaceFile puts a text in the place of a file, whole or not at all.
func replaceFile(path string, text []byte) error {
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".tandem-*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(mode), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// withDatabase opens the database that the file names.
func (a *app) withDatabase(ctx context.Context, how access, fn func(*store.Store) error) (err error) {
	file, err := a.source()
	if err != nil {
		return err
	}
	o, ok, err := a.outlineOf(file)
	if err != nil {
		return err
	}
	if !ok {
		return usage("%s names no database that could keep a configuration", a.config)
	}
	s, err := openDatabase(ctx, o.Database, how)
	if err != nil {
		return err
	}
	defer (&session{store: s}).close(&err)
	return fn(s)
}

// Run adopts the file, if it can be used.
func (c *configAdoptCmd) Run(ctx context.Context, a *app) error {
	return a.withDatabase(ctx, touch, func(s *store.Store) error {
		n, err := a.adoptFile(ctx, s, person(a.Env), c.Note)
		if err = a.audited(ctx, s, "configuration.adopt", a.config, "", err); err != nil {
			return err
		}
		return a.print(fmt.Sprintf("%s is version %d in the database, and counts from there; tandem config export writes it out\n", a.config, n))
	})
}

// adoptFile makes the file's text the configuration that counts.
func (a *app) adoptFile(ctx context.Context, s *store.Store, by, why string) (int, error) {
	file, err := a.source()
	if err != nil {
		return 0, err
	}
	_, problems, err := a.parse(ctx, a.config, file)
	if err != nil {
		return 0, err
	}
	if problems.HasErrors() {
		return 0, problemsError(problems)
	}
	return s.Adopt(ctx, fingerprint(file), store.Configuration{Text: string(file), By: by, At: time.Now(), Note: why})
}

// Run lets the file count again. A file that cannot be used counts, too: it says so itself.
func (c *configReleaseCmd) Run(ctx context.Context, a *app) error {
	d, err := a.document(ctx)
	if err != nil {
		return err
	}
	return a.withDatabase(ctx, touch, func(s *store.Store) error {
		was, err := s.Unadopt(ctx)
		if err = a.audited(ctx, s, "configuration.release", a.config, "", err); err != nil {
			return err
		}
		text := a.config + " counts again; what runs takes it over at SIGHUP or a restart\n"
		switch {
		case !was:
			text = a.config + " counts already\n"
		case string(d.file) != string(d.text):
			text += fmt.Sprintf("it is another one than version %d, which tandem config export --version %d still writes out\n", d.adoption.Current.Number, d.adoption.Current.Number)
		}
		return a.print(text)
	})
}

// Run lists the versions.
func (c *configHistoryCmd) Run(ctx context.Context, a *app) error {
	return a.withDatabase(ctx, look, func(s *store.Store) error {
		all, err := s.Configurations(ctx, 0, max(1, c.Most))
		if err != nil {
			return err
		}
		t := table{right: map[int]bool{0: true}}
		t.add("VERSION", "SAVED", "BY", "NOTE")
		for _, v := range all {
			if a.json {
				if err := a.line(configVersionLine{Version: v.Number, By: v.By, At: v.At, Note: v.Note}); err != nil {
					return err
				}
				continue
			}
			t.add(fmt.Sprint(v.Number), stamp(v.At, nil), v.By, oneLine(v.Note))
		}
		if a.json {
			return nil
		}
		if len(all) == 0 {
			return a.print("the configuration was never adopted: " + a.config + " counts\n")
		}
		return a.print(t.text(""))
	})
}
