package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
)

type restoreCmd struct {
	File    string `arg:"" help:"A file that tandem backup has written."`
	Offline bool   `help:"Do not ask the systems first whether they are the accounts of the backup; the first run does."`
}

// restoreLine is tandem restore -o json.
type restoreLine struct {
	File     string    `json:"file"`
	Taken    time.Time `json:"taken"`
	Database string    `json:"database"`
	Kept     string    `json:"kept,omitempty"` // where the old database is
	store.BackupCounts
	Config    string   `json:"config"`              // kept, written, different
	Unasked   []string `json:"unasked,omitempty"`   // connections that did not say who they are
	Forgot    string   `json:"forgot,omitempty"`    // why people who were erased since the backup are not known
	Reconnect []string `json:"reconnect,omitempty"` // connections that a person may have to authorize anew
}

// Run puts a backup in the database's place. Until the end nothing has changed.
func (c *restoreCmd) Run(ctx context.Context, a *app) error {
	b, err := store.ReadBackup(ctx, c.File)
	if err != nil {
		return &exitError{code: exitUsage, err: err}
	}
	line := restoreLine{File: c.File, Taken: b.Taken, BackupCounts: b.Counts, Config: "kept"}
	src, err := a.configFor(b, &line)
	if err != nil {
		return err
	}
	env, err := a.environment()
	if err != nil {
		return err
	}
	o, problems := plan.ParseOutline(a.config, src, env)
	if problems.HasErrors() {
		return problemsError(problems)
	}
	if line.Database, err = sqliteFile(o); err != nil {
		return err
	}
	r, err := store.BeginRestore(ctx, c.File, line.Database, time.Now())
	if err != nil {
		return err
	}
	if r.Forgot != nil {
		line.Forgot = r.Forgot.Error()
	}
	if !c.Offline {
		if err := a.askAccounts(ctx, r.Copy, src, env, &line); err != nil {
			return errors.Join(err, r.Cancel())
		}
	}
	if line.Kept, err = r.Finish(); err != nil {
		return fmt.Errorf("put the backup in place: %w", err)
	}
	if err := a.writeConfig(b, &line); err != nil {
		return err
	}
	if a.json {
		return a.line(line)
	}
	return a.print(a.restoreText(line))
}

// configFor returns the configuration that there is, or else the backup's.
func (a *app) configFor(b store.Backup, line *restoreLine) ([]byte, error) {
	if !exists(a.config) {
		line.Config = "written"
		return []byte(b.Config), nil
	}
	src, err := a.source()
	if err == nil && string(src) != b.Config {
		line.Config = "different"
	}
	return src, err
}

// writeConfig brings the backup's configuration to where it belongs, or beside it if there
// is another one.
func (a *app) writeConfig(b store.Backup, line *restoreLine) error {
	to := a.config
	switch line.Config {
	case "kept":
		return nil
	case "different":
		to += ".from-backup"
	}
	if err := os.WriteFile(to, []byte(b.Config), 0o600); err != nil {
		return fmt.Errorf("write the configuration of the backup: %w", err)
	}
	return nil
}

// askAccounts asks every system who we are there: behind another account than the
// backup's, every record would seem to be gone (R33). Those to which a person granted access
// are not asked: that may spend a token of which the copy alone would know the next one, and
// with a token that was spent before, many vendors end the grant.
func (a *app) askAccounts(ctx context.Context, database string, src []byte, env func(string) (string, bool), line *restoreLine) (err error) {
	dsn := "sqlite:" + database
	vault := a.vaultFor(ctx, env)
	p, problems := plan.ParseFrom(a.config, src, plan.Sources{Env: env, Vault: func(_, keyFile string) (plan.Vault, error) { return vault(dsn, keyFile) }}, a.specs())
	if problems.HasErrors() {
		return fmt.Errorf("%w\nthe systems cannot be asked whether they are the accounts of the backup; --offline restores without that", problemsError(problems))
	}
	line.Reconnect = authorized(p)
	s, err := openDatabase(ctx, dsn, touch)
	if err != nil {
		return err
	}
	defer (&session{store: s}).close(&err)
	kept, err := a.openSafe(ctx, s, p.KeyFile)
	if err != nil {
		return err
	}
	e, err := a.openEngine(p, s, kept, a.warnings(), nil, nil)
	if err != nil {
		return err
	}
	var ask []string
	for _, c := range p.Connections {
		if e.Grant(c.Name) == nil {
			ask = append(ask, c.Name)
		} else {
			line.Unasked = append(line.Unasked, c.Name)
		}
	}
	if len(ask) == 0 {
		return nil
	}
	all, err := e.Check(ctx, ask)
	if err != nil {
		return fmt.Errorf("ask the systems: %w", err)
	}
	for _, x := range all {
		var other *engine.IdentityError
		switch {
		case errors.As(x.Err, &other):
			return fmt.Errorf("nothing was restored: %w", x.Err)
		case x.Err != nil:
			a.warnf("whether %s is the account of the backup is not known, and its first run asks before anything else: %v", x.Connection, x.Err)
			line.Unasked = append(line.Unasked, x.Connection)
		}
	}
	return nil
}

// authorized names the connections that a person has authorized in a browser: their tokens
// may have been exchanged for others since the backup.
func authorized(p *plan.Plan) []string {
	var names []string
	for _, c := range p.Connections {
		if c.Settings[connector.ClientID] != "" {
			names = append(names, c.Name)
		}
	}
	return names
}

func (a *app) restoreText(l restoreLine) string {
	var b strings.Builder
	fmt.Fprintf(&b, "restored the backup of %s: %s\n", stamp(l.Taken, time.Local), holds(l.BackupCounts))
	if l.Kept != "" {
		fmt.Fprintf(&b, "  the old database is kept as %s\n", l.Kept)
	}
	switch l.Config {
	case "written":
		fmt.Fprintf(&b, "  %s was written from the backup\n", a.config)
	case "different":
		fmt.Fprintf(&b, "  %s is another one than in the backup and was left; that one is %s.from-backup\n", a.config, a.config)
	}
	if len(l.Unasked) > 0 {
		fmt.Fprintf(&b, "  were not asked who they are, or did not answer: %s; their first run asks\n", joined(l.Unasked))
	}
	if l.Forgot != "" {
		fmt.Fprintf(&b, "  people who were erased after the backup was made are not known any more (%s); erase them again\n", l.Forgot)
	}
	if len(l.Reconnect) > 0 {
		fmt.Fprintf(&b, "  may have to be authorized anew: %s; tandem connections authorize NAME\n", joined(l.Reconnect))
	}
	b.WriteString("  the next run of each sync lists both sides before it writes anything, and asks what only the lost history could say;\n" +
		"  look at it first: tandem plan\n")
	return b.String()
}
