package plan

import (
	"fmt"
	"time"

	"github.com/tandemhub/tandem/connector"
)

// version is the version of the file's grammar that this build reads.
const version = "1"

// Parse reads a configuration. The file name is for problems and for paths relative to
// it; env looks a variable up (the environment wins over .env, which is the caller's
// affair); specs are the systems of this build. The plan is nil if the problems have
// errors; warnings may come with a plan. Nothing of the world outside is touched but the
// time zone database.
func Parse(file string, src []byte, env func(string) (string, bool), specs []connector.Spec) (*Plan, Problems) {
	return ParseFrom(file, src, Sources{Env: env}, specs)
}

// ParseFrom is Parse with a vault beside the environment.
func ParseFrom(file string, src []byte, from Sources, specs []connector.Spec) (*Plan, Problems) {
	r := &reader{file: file, env: from.Env, specs: specs}
	root, ok := r.document(src)
	if !ok {
		return nil, r.finish()
	}
	d := r.blank()
	readMap(r, root, place{1, 1}, "the file", topKeys(), &d)
	if from.Vault != nil {
		r.unlockWith(func() (Vault, error) { return from.Vault(d.Database, d.KeyFile) })
	}
	if d.console.key != "" {
		readMap(r, d.console.value, d.console.place, "console", consoleKeys(), &d.Console)
	}
	if d.notify.key != "" {
		r.readNotify(d.notify, &d.Notify)
	}
	r.connections(d.connections, &d.Plan)
	r.syncs(d.syncs, &d.Plan)
	ps := r.finish()
	if ps.HasErrors() {
		return nil, ps
	}
	return &d.Plan, ps
}

// defaultKeepOverruled is long enough to notice at the end of a quarter what went wrong in it.
const defaultKeepOverruled = 90 * 24 * time.Hour

// blank is a draft with the defaults of the file.
func (r *reader) blank() draft {
	return draft{Plan: Plan{
		Timezone: time.UTC, Database: "sqlite:" + r.beside("tandem.db"), KeyFile: r.beside("tandem.key"), Retention: defaultRetention(),
		KeepOverruled: defaultKeepOverruled, Verify: defaultVerify, Notify: defaultNotify(), File: r.file,
	}}
}

// defaultVerify is the time in which serve verifies every linked pair once.
const defaultVerify = 7 * 24 * time.Hour

// A draft is a plan of which these parts are still to be read: a sync names
// connections, which may come after it, and secrets are looked up once the database is known.
type draft struct {
	Plan
	connections, syncs, console, notify pair
}

func topKeys() []key[draft] {
	later := func(name string) key[draft] { return key[draft]{name: name, later: true} }
	return []key[draft]{
		{
			name: "version", required: true, help: "Version of the file's grammar: 1.", schema: schema{"const": 1},
			read: func(r *reader, n node, d *draft) {
				if s, ok := r.text(n); ok && s != version {
					r.fail(n.place, fmt.Sprintf("version: this build of Tandem reads version %s of the file", version))
				}
				d.Version = 1
			},
		},
		{
			name: "timezone", help: "IANA time zone of schedules and of dates, such as Europe/Athens; default UTC.", schema: textSchema(),
			read: func(r *reader, n node, d *draft) {
				if loc, ok := r.zone(n); ok {
					d.Timezone = loc
				}
			},
		},
		{
			name: "country", help: "ISO code of the country that phone numbers without a prefix belong to, such as GR.", schema: schema{"type": "string", "pattern": "^[A-Za-z]{2}$"},
			read: func(r *reader, n node, d *draft) { d.Country, _ = r.country(n) },
		},
		{
			name: "public_url", help: "Address at which vendors reach this Tandem, for webhooks; optional.", schema: textSchema(),
			read: func(r *reader, n node, d *draft) { r.webAddress(n, &d.PublicURL) },
		},
		{
			name: "database", help: "Where everything is kept: sqlite:PATH, beside this file; default sqlite:tandem.db. PostgreSQL is not supported yet.", schema: textSchema(),
			read: func(r *reader, n node, d *draft) { d.Database, _ = r.database(n) },
		},
		{
			name: "key_file", help: "File with the key that secrets are sealed under, beside this file; default tandem.key. The environment variable TANDEM_KEY goes before it.", schema: textSchema(),
			read: func(r *reader, n node, d *draft) { r.keyFile(n, &d.KeyFile) },
		},
		{
			name: "retention", help: "How long the journal, runs and decided reviews are kept, and how much of the disk is taken.", schema: objectSchema(retentionKeys()),
			read: func(r *reader, n node, d *draft) {
				readMap(r, n, n.place, "retention", retentionKeys(), &d.Retention)
			},
		},
		{
			name: "keep_overruled", help: "How long values that lost a conflict, and the last states of deleted or archived records, lie ready in tandem history --overruled; default 90d.", schema: durationSchema(),
			read: func(r *reader, n node, d *draft) {
				if keep, ok := r.duration(n); ok {
					d.KeepOverruled = keep
				}
			},
		},
		{
			name: "verify", help: "How long a round takes in which serve compares every linked record with what the systems hold; default 7d, off for never.", schema: durationSchema(),
			read: func(r *reader, n node, d *draft) {
				if every, ok := r.duration(n); ok {
					d.Verify = every
				}
			},
		},
		{
			name: "connections", required: true, help: "The accounts to connect, by name.", schema: connectionsSchema(),
			read: func(_ *reader, n node, d *draft) { d.connections = pair{place: n.place, key: "connections", value: n} },
		},
		{
			name: "syncs", help: "The pairs of objects to keep in step, by name.", schema: syncsSchema(),
			read: func(_ *reader, n node, d *draft) { d.syncs = pair{place: n.place, key: "syncs", value: n} },
		},
		{
			name: "rates", help: "What one unit of each currency is worth, for convert in expressions: { EUR: 1, USD: 0.92 }.", schema: ratesSchema(),
			read: func(r *reader, n node, d *draft) { d.Rates = r.rates(n) },
		},
		{
			name: "console", help: "How people sign in to the console, beside their passwords.", schema: objectSchema(consoleKeys()),
			read: func(_ *reader, n node, d *draft) { d.console = pair{place: n.place, key: "console", value: n} },
		},
		{
			name: "notify", help: "Who is told when a run fails, a credential dies, a vendor falls silent, a queue grows or something is unlike the usual.", schema: objectSchema(notifyKeys()),
			read: func(_ *reader, n node, d *draft) { d.notify = pair{place: n.place, key: "notify", value: n} },
		},
		later("people"), later("phone"),
	}
}
