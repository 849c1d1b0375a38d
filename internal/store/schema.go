package store

import (
	"context"
	"fmt"
)

// A migration is one step of the schema, carried out in a transaction of its own.
type migration struct {
	name string
	sql  []string
}

// migrations are all steps in order; the schema's version is how many were taken. A step
// that was released is never changed.
//
// Rows name objects and syncs by small numbers, which belong to one workspace; rows that
// are found by an id of their own are always asked for with their workspace.
func migrations() []migration {
	return []migration{{"the sync core", sqlCore()}, {"outbox and journal", sqlOutbox()}, {"installation", []string{
		// One row: the random name that this database has been given.
		`CREATE TABLE installation (name {text} PRIMARY KEY)`,
		// Seq up to which a sync has taken up changes of an object that its expressions look into.
		`CREATE TABLE looks (workspace {int}, sync {int}, object {int}, mark {int}, PRIMARY KEY (sync, object)){keyed}`,
	}}, {"secrets and memories of connections", sqlSealed()}, {"what vendors report", sqlHooks()}, {"pending writes", []string{
		// What to ask the vendor for the outcome of a write that it has taken and not yet decided.
		`ALTER TABLE outbox ADD COLUMN pending {text} DEFAULT ''`,
	}}, {"approved rules", sqlApprovals()}, {"times of edits", sqlEdits()}, {"verifications and restores", sqlVerify()},
		{"erased people", sqlGraves()}, {"members", sqlMembers()},
		{"corrections of people", sqlCorrections()}, {"receipts of erasures", sqlErasures()},
		{"stages of deals", sqlStages()}, {"budgets", sqlBudgets()},
		{"given-up references", sqlStrays()}, {"events", sqlEvents()},
		{"people", append(sqlPeople(), sqlPauses()...)},
		{"words and days", append(sqlWords(), sqlDays()...)},
		{"pages of the journal", sqlJournalPages()},
		{"adopted configurations", sqlConfigurations()},
		{"unfinished operations", sqlUnfinished()},
		{"rules that were tried", sqlTried()},
		{"notices", sqlNotices()},
		{"overviews", sqlOverview()},
		{"answers", sqlAnswers()}}
}

// sqlUnfinished serves what is asked for with every batch that is planned: what there may be of
// those operations is known at once.
func sqlUnfinished() []string {
	return []string{`CREATE INDEX outbox_unfinished ON outbox (object, verb, id) WHERE state IN ('pending', 'unknown')`}
}

// sqlMembers lets links share a record (R26). A slot is 0, or the link's own id on the side of
// the record that it shares: the unique index that finds a record's link still refuses a
// second one that shares nothing.
func sqlMembers() []string {
	return []string{
		`ALTER TABLE links ADD COLUMN left_slot {int} DEFAULT 0`,
		`ALTER TABLE links ADD COLUMN right_slot {int} DEFAULT 0`,
		`DROP INDEX links_left`,
		`DROP INDEX links_right`,
		`CREATE UNIQUE INDEX links_left ON links (sync, left_id, left_slot) WHERE closed = ''`,
		`CREATE UNIQUE INDEX links_right ON links (sync, right_id, right_slot) WHERE closed = ''`,
	}
}

func sqlCore() []string {
	return []string{
		`CREATE TABLE workspaces (id {auto}, name {text} UNIQUE)`,
		// Of the database: the last Seq of the mirror and the last id that was given.
		`CREATE TABLE counters (name {text} PRIMARY KEY, value {int})`,
		`INSERT INTO counters (name, value) VALUES ('seq', 0), ('id', 0)`,
		`CREATE TABLE connections (workspace {int}, name {text}, system {text}, identity {text}, checked_at {int},
			schema {text}, schema_at {int}, paused {text}, PRIMARY KEY (workspace, name))`,
		// present counts the mirror's present rows; keyed is the fingerprint of its index.
		`CREATE TABLE objects (id {auto}, workspace {int}, connection {text}, name {text}, present {int}, keyed {text},
			UNIQUE (workspace, connection, name))`,
		`CREATE TABLE syncs (id {auto}, workspace {int}, name {text}, left_object {int}, right_object {int},
			left_mark {int}, right_mark {int}, print {text} DEFAULT '', UNIQUE (workspace, name))`,
		// Counts that are kept in the transactions that change what they count.
		`CREATE TABLE tallies (workspace {int}, sync {int}, what {text}, n {int}, PRIMARY KEY (sync, what)){keyed}`,
		`CREATE TABLE feeds (workspace {int}, object {int}, part {text}, kind {text}, place {text}, began {int},
			listed_at {int}, fields {text}, total {int}, PRIMARY KEY (object, part, kind)){keyed}`,
		`CREATE TABLE mirror (workspace {int}, object {int}, id {text}, version {text}, created {int}, modified {int},
			modified_by {text}, fate {text}, into_refs {text}, read_at {int}, seen {int}, seq {int}, keys {blob},
			fields {blob}, PRIMARY KEY (object, id))`,
		// Changed and MaxSeq walk it.
		`CREATE INDEX mirror_seq ON mirror (object, seq)`,
		// The index of the mirror: hash is of a key's name and value, the row holds them.
		`CREATE TABLE mirror_keys (workspace {int}, object {int}, hash {int}, id {text},
			PRIMARY KEY (object, hash, id)){keyed}`,
		`CREATE TABLE links (id {id}, workspace {int}, sync {int}, left_id {text}, right_id {text}, left_base {blob},
			right_base {blob}, left_expected {blob}, right_expected {blob}, diverged {blob}, left_created {int},
			right_created {int}, closed {text})`,
		// At most one open link of a record in a sync; LinksOf asks them.
		`CREATE UNIQUE INDEX links_left ON links (sync, left_id) WHERE closed = ''`,
		`CREATE UNIQUE INDEX links_right ON links (sync, right_id) WHERE closed = ''`,
		`CREATE INDEX links_left_closed ON links (sync, left_id) WHERE closed <> ''`,
		`CREATE INDEX links_right_closed ON links (sync, right_id) WHERE closed <> ''`,
		`CREATE TABLE standing (workspace {int}, sync {int}, side {int}, id {text}, reason {text}, detail {text},
			PRIMARY KEY (sync, side, id)){keyed}`,
		`CREATE TABLE dirty (workspace {int}, sync {int}, side {int}, id {text}, PRIMARY KEY (sync, side, id)){keyed}`,
		// tried: the record that is waited for had a link already, and that was answered by
		// planning again once.
		`CREATE TABLE waits (workspace {int}, object {int}, on_id {text}, sync {int}, side {int}, id {text}, tried {int},
			PRIMARY KEY (object, on_id, sync, side, id)){keyed}`,
		`CREATE INDEX waits_sync ON waits (sync)`,
	}
}

func sqlOutbox() []string {
	return []string{
		// source_slot is 0 for a create and else the op's id: the unique index that finds
		// an op by its source also refuses a second create of one source. claim is a hash, so
		// that its index stays small; body is what is never searched and never changes.
		`CREATE TABLE outbox (id {id}, workspace {int}, sync {int}, side {int}, object {int}, verb {text}, state {text},
			target_id {text}, source_id {text}, source_slot {int}, claim {int}, attempts {int}, not_before {int},
			sent_at {int}, error {text}, body {blob})`,
		`CREATE UNIQUE INDEX outbox_target ON outbox (object, target_id) WHERE target_id <> ''`,
		`CREATE UNIQUE INDEX outbox_claim ON outbox (object, claim) WHERE claim <> 0`,
		`CREATE UNIQUE INDEX outbox_source ON outbox (sync, side, source_id, source_slot) WHERE source_id <> ''`,
		`CREATE INDEX outbox_ready ON outbox (object, verb, id) WHERE state = 'ready'`,
		`CREATE TABLE journal (id {auto}, workspace {int}, at {int}, run {int}, sync {int}, link {int}, side {int},
			object {int}, record {text}, kind {text}, field {text}, old {blob}, new {blob}, fields {blob}, why {text},
			by_whom {text})`,
		// A record's history: the lines of its links, whose records never change, and those
		// that are of no link.
		`CREATE INDEX journal_link ON journal (link) WHERE link <> 0`,
		`CREATE INDEX journal_record ON journal (object, record) WHERE link = 0`,
		// Of a sync since a time: guards, and a run between its start and its end.
		`CREATE INDEX journal_sync ON journal (sync, at)`,
		`CREATE TABLE reviews (id {auto}, workspace {int}, sync {int}, kind {text}, subject {text}, link {int}, side {int},
			record {text}, body {text}, fix {text}, field {text}, left_value {blob}, right_value {blob},
			candidates {text}, choices {text}, opened {int}, decision {text}, decided {int}, by_whom {text})`,
		`CREATE UNIQUE INDEX reviews_open ON reviews (workspace, sync, subject) WHERE decision = ''`,
		`CREATE INDEX reviews_decided ON reviews (workspace, sync, subject) WHERE decision <> ''`,
		`CREATE TABLE runs (id {id}, workspace {int}, sync {int}, started {int}, ended {int}, status {text},
			left_counts {text}, right_counts {text}, linked {int}, unchanged {int}, conflicts {int}, review {int},
			failed {int}, reconciled {int}, complete {int}, error {text})`,
		`CREATE INDEX runs_sync ON runs (sync, id)`,
	}
}

// version returns how many migrations the database has.
func (s *Store) version(ctx context.Context, q runner) (int, error) {
	blank, err := s.d.empty(ctx, q)
	if err != nil || blank {
		return 0, err
	}
	v := 0
	err = q.each(ctx, `SELECT version FROM schema_version`, nil, func(scan scanner) error { return scan(&v) })
	if err != nil {
		return 0, fmt.Errorf("read the schema's version: %w", err)
	}
	return v, nil
}

// current refuses a database whose schema this program does not know or has outgrown.
func (s *Store) current(ctx context.Context, q runner) error {
	have, err := s.version(ctx, q)
	known := len(migrations())
	switch {
	case err != nil:
		return err
	case have > known:
		return fmt.Errorf("%w: its schema is %d and this program knows %d; use the newer program", ErrNewer, have, known)
	case have < known:
		return fmt.Errorf("%w: it has schema %d and needs %d; run a command that may write first", ErrOlder, have, known)
	}
	return nil
}

// upgrade takes the missing migrations. Only the owner may: others that write would not
// survive it, so without owning the database the lock is taken for as long as it lasts.
func (s *Store) upgrade(ctx context.Context, lock func() (*ownerLock, error), owner bool) error {
	q := s.anyRunner()
	have, err := s.version(ctx, q)
	if err != nil {
		return err
	}
	if have >= len(migrations()) {
		return s.current(ctx, q)
	}
	if !owner {
		l, err := lock()
		if err != nil {
			return fmt.Errorf("upgrade the database: %w", err)
		}
		defer func() { _ = l.release() }() // it ends with the process at the latest
		if have, err = s.version(ctx, q); err != nil {
			return err
		}
	}
	for i, m := range migrations()[have:] {
		if err := s.migrate(ctx, have+i+1, m); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) anyRunner() runner {
	if s.conn != nil {
		return s.writer
	}
	return plain{s.db, s.d}
}

func (s *Store) migrate(ctx context.Context, version int, m migration) error {
	return s.write(ctx, fmt.Sprintf("upgrade to schema %d (%s)", version, m.name), func(t *tx) error {
		steps := m.sql
		if version == 1 {
			steps = append([]string{`CREATE TABLE schema_version (version {int})`, `INSERT INTO schema_version (version) VALUES (0)`}, steps...)
		}
		for _, step := range steps {
			if _, err := t.exec(s.d.ddl(step)); err != nil {
				return err
			}
		}
		_, err := t.exec(`UPDATE schema_version SET version = ?`, version)
		return err
	})
}
