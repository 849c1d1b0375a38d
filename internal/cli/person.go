package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/jsonl"
)

type personCmd struct {
	Export personExportCmd `cmd:"" help:"Write everything that is known of a person. Calls nobody."`
	Erase  personEraseCmd  `cmd:"" help:"Erase a person in every system and here, and keep syncs from bringing them back."`
}

// personKey is what both commands ask for.
type personKey struct {
	Key    string   `arg:"" help:"An e-mail address, a telephone number, or a record (crm.contacts/501)."`
	Except []string `placeholder:"RECORD" help:"A record that is somebody else's, such as a colleague's with the same number. May be repeated."`
}

type personExportCmd struct {
	personKey

	To string `placeholder:"FOLDER" help:"Write into this folder, a file for each system. Default: one JSON document on standard output."`
}

type personEraseCmd struct {
	personKey

	Yes bool `short:"y" help:"Do it without asking."`
}

// find looks for the person.
func (k personKey) find(ctx context.Context, s *session) (engine.Person, error) {
	key, ok := s.engine.PersonKeyOf(k.Key)
	if !ok {
		return engine.Person{}, usage("%q is no e-mail address, no telephone number and no record such as crm.contacts/501; "+
			"a number without its country needs country: in the configuration", k.Key)
	}
	return s.engine.Person(ctx, key, k.Except)
}

// Run writes what is known. It reads our own records only.
func (c *personExportCmd) Run(ctx context.Context, a *app) (err error) {
	s, err := a.open(ctx, look)
	if err != nil {
		return err
	}
	defer s.close(&err)
	p, err := c.find(ctx, s)
	if err != nil {
		return err
	}
	doc := jsonl.OfPerson(p, time.Now())
	if len(p.Records) == 0 {
		a.warnf("nothing is known of %s", c.Key)
	}
	if c.To != "" {
		return c.folder(a, doc)
	}
	if a.json {
		return a.line(doc)
	}
	text, err := readable(doc)
	if err != nil {
		return err
	}
	return a.print(text)
}

func readable(v any) (string, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return "", fmt.Errorf("write the export: %w", err)
	}
	return b.String(), nil
}

// folder writes a file for each system, and one for each of the other parts, for the owner's eyes only.
func (c *personExportCmd) folder(a *app, doc jsonl.PersonDoc) error {
	if err := os.MkdirAll(c.To, 0o700); err != nil {
		return fmt.Errorf("make the folder: %w", err)
	}
	files := map[string]any{"links": doc.Links, "journal": doc.Journal, "reviews": doc.Reviews, "events": doc.Events}
	for _, s := range doc.Systems {
		files["system-"+s.Connection] = s
	}
	for _, name := range sortedKeys(files) {
		text, err := readable(files[name])
		if err != nil {
			return err
		}
		file := filepath.Join(c.To, name+".json")
		if err := writePrivate(file, text); err != nil {
			return fmt.Errorf("write the export: %w", err)
		}
		if err := a.toldFile(file); err != nil {
			return err
		}
	}
	return nil
}

// writePrivate writes a file that only its owner can read, also where one was that others could.
func writePrivate(file, text string) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = f.Chmod(0o600)
	if err == nil {
		_, err = f.WriteString(text)
	}
	return errors.Join(err, f.Close())
}

func (a *app) toldFile(file string) error {
	if a.json {
		return a.line(map[string]string{"file": file})
	}
	return a.print(file + "\n")
}

// Run shows what was found, and erases it once that is confirmed.
func (c *personEraseCmd) Run(ctx context.Context, a *app) (err error) {
	s, err := a.open(ctx, own)
	if err != nil {
		return err
	}
	defer s.close(&err)
	p, err := c.find(ctx, s)
	if err != nil {
		return err
	}
	mine, err := c.preview(a, p)
	if err != nil {
		return err
	}
	if mine == 0 {
		return c.nothing(a, p)
	}
	if !c.Yes && !a.confirmed("Erase the person in these systems? It cannot be taken back. [y/N] ") {
		a.warnf("nothing was erased; --yes does it without asking")
		return exit(exitReview)
	}
	code := exitOK
	err = s.engine.Erase(ctx, p, person(a.Env), func(x engine.ErasedRecord) error {
		if x.Waits != "" || x.ByHand != "" {
			code = exitReview
		}
		return c.told(a, x)
	})
	if errors.Is(err, context.Canceled) {
		return &exitError{code: exitFailed, err: errors.New("stopped before the end; repeat the command, it goes on where it was")}
	}
	if err != nil {
		return err
	}
	if code == exitReview {
		a.warnf("not all is done: what is to be done by hand stands above; for what waits, repeat the command")
	}
	a.warnf("%s", afterErasure)
	return exit(code)
}

const afterErasure = "backups made before now still hold the person: delete them, or let them age; a restore of one takes the person out again. " +
	"tandem compact takes the last traces out of the database's file"

// preview shows what was found and returns how many records are the person's own.
func (c *personEraseCmd) preview(a *app, p engine.Person) (int, error) {
	n := 0
	var own, other table
	for _, r := range p.Records {
		line := jsonl.OfFound(r)
		if r.Own {
			n++
			own.add(line.Record, fit(oneLine(r.Title), 30), line.Found, "→ "+line.Asks)
		} else {
			other.add(line.Record, fit(oneLine(r.Title), 30), line.Found)
		}
		if a.json {
			if err := a.line(line); err != nil {
				return n, err
			}
		}
	}
	if a.json {
		return n, nil
	}
	var b strings.Builder
	if n > 0 {
		fmt.Fprintf(&b, "%s, %s and %s of the journal:\n%s", plural(n, "record", "records"), plural(len(p.Links), "link", "links"),
			plural(len(p.Journal), "line", "lines"), own.text("  "))
	}
	if len(other.rows) > 0 {
		fmt.Fprintf(&b, "mentioned in, and not erased: look at these by hand\n%s", other.text("  "))
	}
	return n, a.print(b.String())
}

// nothing says that there is nothing to erase, and what was erased before.
func (c *personEraseCmd) nothing(a *app, p engine.Person) error {
	for _, x := range p.Receipts {
		if err := c.told(a, engine.ErasedRecord{Erasure: x}); err != nil {
			return err
		}
	}
	a.warnf("no record of %s is known", c.Key)
	return nil
}

// told writes one receipt.
func (c *personEraseCmd) told(a *app, x engine.ErasedRecord) error {
	line := jsonl.OfErased(x)
	if a.json {
		return a.line(line)
	}
	text := fmt.Sprintf("%s  asked: %s  answer: %s  %s\n", line.Record, line.Asked, line.Answer, line.At.Format(time.RFC3339))
	if line.ByHand != "" {
		text += "  by hand: " + oneLine(line.ByHand) + "\n"
	}
	if line.Waits != "" {
		text = fmt.Sprintf("%s  asked: %s  waits: %s\n", line.Record, line.Asked, oneLine(line.Waits))
	}
	return a.print(text)
}
