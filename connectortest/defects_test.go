package connectortest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

func toyKey() string { return toy.New(twin.Options{}).Settings()["api_key"] }

func field(o *record.Object, name string, alter func(*record.Field)) {
	for i := range o.Fields {
		if o.Fields[i].Name == name {
			alter(&o.Fields[i])
		}
	}
}

func defects() []defect {
	return slices.Concat(connectionDefects(), schemaDefects(), pagingDefects(), changeDefects(), goneDefects(),
		lookupDefects(), writeDefects(), referenceDefects(), textDefects(), batchDefects(), outcomeDefects(), waitDefects(), hookDefects(), fileDefects(), eventDefects())
}

func connectionDefects() []defect {
	const conn = "connection"
	return []defect{
		{
			name: "no account id", scenario: "check names the account", part: conn, says: "has no id",
			check: func(m *mutant, ctx context.Context) (connector.Identity, error) {
				id, err := m.good.Check.Check(ctx)
				id.Account = ""
				return id, err
			},
		},
		{
			name: "another account each time", scenario: "check names the account", part: conn, says: "on a new connection",
			check: func(m *mutant, ctx context.Context) (connector.Identity, error) {
				id, err := m.good.Check.Check(ctx)
				id.Account = fmt.Sprintf("%p", m)
				return id, err
			},
		},
		{
			name: "asks for what is not there", scenario: "check names the account", part: conn, says: "does not know this",
			check: func(m *mutant, ctx context.Context) (connector.Identity, error) {
				if res, err := m.env.HTTP.Get(m.env.BaseURL + "/nowhere"); err == nil {
					_ = res.Body.Close()
				}
				return m.good.Check.Check(ctx)
			},
		},
		{
			name: "warns in normal operation", scenario: "check names the account", part: conn, says: "logged in normal operation",
			check: func(m *mutant, ctx context.Context) (connector.Identity, error) {
				m.env.Log.Warn("about to check")
				return m.good.Check.Check(ctx)
			},
		},
		{
			name: "the clock is not measured", scenario: "check measures the vendor's clock", part: conn, says: "the clock is off",
			check: func(m *mutant, ctx context.Context) (connector.Identity, error) {
				id, err := m.good.Check.Check(ctx)
				id.Clock = 0
				return id, err
			},
		},
		{
			name: "check swallows the error", scenario: "a wrong key is unauthorized", part: conn, says: "unauthorized",
			check: func(m *mutant, ctx context.Context) (connector.Identity, error) {
				id, err := m.good.Check.Check(ctx)
				if err != nil {
					return connector.Identity{Account: "A-17", Name: "Toy"}, nil //nolint:nilerr // the defect
				}
				return id, nil
			},
		},
		{
			name: "changes swallow the error", scenario: "a wrong key is unauthorized", part: conn, says: "changes of cards",
			changes: func(m *mutant, ctx context.Context, q connector.Query) (connector.Page, error) {
				page, err := m.good.Source.Changes(ctx, q)
				if err != nil {
					return connector.Page{Next: "none"}, nil //nolint:nilerr // the defect
				}
				return page, nil
			},
		},
		{
			name: "an error of nobody's", scenario: "a wrong key is unauthorized", part: conn, says: "no *connector.Error",
			check: func(m *mutant, ctx context.Context) (connector.Identity, error) {
				id, err := m.good.Check.Check(ctx)
				if err != nil {
					err = errors.New("something went wrong")
				}
				return id, err
			},
		},
		{
			name: "restores without an archive", scenario: "declared abilities are there", part: conn, says: "can restore and not archive",
			schema: func(o *record.Object) { o.Archive = false },
		},
		{
			name: "finds nothing that it declares", scenario: "declared abilities are there", part: conn, says: "find: declared false",
			schema: func(o *record.Object) {
				for i := range o.Fields {
					o.Fields[i].Findable = false
				}
			},
		},
		{
			name: "an error tells the key", scenario: "no secret is told", part: conn, says: "tells a secret",
			check: func(m *mutant, ctx context.Context) (connector.Identity, error) {
				id, err := m.good.Check.Check(ctx)
				if err != nil {
					err = &connector.Error{Kind: connector.KindOf(err), Scope: connector.ScopeConnection, Err: fmt.Errorf("with key %s: %w", toyKey(), err)}
				}
				return id, err
			},
		},
		{
			name: "a log line tells the key", scenario: "no secret is told", part: conn, says: "tells a secret",
			check: func(m *mutant, ctx context.Context) (connector.Identity, error) {
				m.env.Log.Debug("sign", "key", toyKey())
				return m.good.Check.Check(ctx)
			},
		},
		{
			name: "a fact tells the key", scenario: "check names the account", part: conn, says: "tells a secret",
			check: func(m *mutant, ctx context.Context) (connector.Identity, error) {
				id, err := m.good.Check.Check(ctx)
				id.Facts = map[string]string{"key": toyKey()}
				return id, err
			},
		},
	}
}

func schemaDefects() []defect {
	return []defect{
		{
			name: "custom fields are left out", scenario: "the schema is sound", says: "custom field club",
			schema: func(o *record.Object) {
				o.Fields = slices.DeleteFunc(o.Fields, func(f record.Field) bool { return f.Name == "club" })
			},
		},
		{
			name: "a kind of its own", scenario: "the schema is sound", says: "unknown kind",
			schema: func(o *record.Object) { field(o, "phone", func(f *record.Field) { f.Kind = "blob" }) },
		},
		{
			name: "a rewrite of its own", scenario: "the schema is sound", says: "unknown rewrite",
			schema: func(o *record.Object) {
				field(o, "phone", func(f *record.Field) { f.Rewrites = []record.Rewrite{"shuffle"} })
			},
		},
		{
			name: "a field that no record has", scenario: "every declared field appears in a record", says: "no record shows ghost",
			schema: func(o *record.Object) {
				o.Fields = append(o.Fields, record.Field{Name: "ghost", Kind: record.KindText, ReadOnly: true})
			},
		},
		{
			name: "a field beside the schema", scenario: "every declared field appears in a record", says: "which the schema does not name",
			changes: alterPage(func(page *connector.Page, _ connector.Query) {
				for _, c := range page.Changes {
					c.Fields["_links"] = record.Text("x")
				}
			}),
		},
		{
			name: "numbers as the vendor writes them", scenario: "values have the form of their kind", says: "canonical form",
			changes: alterPage(func(page *connector.Page, _ connector.Query) {
				alterValues(func(name string, v record.Value) record.Value {
					if name == "discount" && !v.IsEmpty() {
						return record.Text(v.Text() + ".00")
					}
					return v
				})(page.Changes)
			}),
		},
		{
			name: "the label of a choice", scenario: "values have the form of their kind", says: "none of the choices",
			changes: alterPage(func(page *connector.Page, _ connector.Query) {
				alterValues(func(name string, v record.Value) record.Value {
					if name == "box" {
						return record.Text("Sales")
					}
					return v
				})(page.Changes)
			}),
		},
		{
			name: "no fields when some are asked for", scenario: "a page shows the fields that were asked for", says: "asked for",
			changes: alterPage(func(page *connector.Page, q connector.Query) {
				for i := range page.Changes {
					if q.Fields != nil {
						page.Changes[i].Fields = record.Fields{}
					}
				}
			}),
		},
		{
			name: "a field is not made", scenario: "a field can be added", says: "the schema shows the added field",
			addField: func(_ *mutant, _ context.Context, _ string, f record.Field) (record.Field, error) { return f, nil },
		},
	}
}

func pagingDefects() []defect {
	return []defect{
		{
			name: "no cursor at the end", scenario: "an empty object lists as empty", says: "without a cursor",
			changes: alterPage(func(page *connector.Page, _ connector.Query) { page.Next = "" }),
		},
		{
			name: "the last record of a page is left out", scenario: "pages of every length show every record", says: "a listing",
			changes: alterPage(func(page *connector.Page, _ connector.Query) {
				if page.More {
					page.Changes = page.Changes[:len(page.Changes)-1]
				}
			}),
		},
		{
			name: "the second page is never asked for", scenario: "pages of every length show every record", says: "a listing",
			changes: alterPage(func(page *connector.Page, _ connector.Query) { page.More = false }),
		},
		{
			name: "a full page is taken for the last", scenario: "pages of every length show every record", says: "a listing",
			changes: alterPage(func(page *connector.Page, _ connector.Query) {
				if page.More && len(page.Changes) == pageSize {
					page.More = false
				}
			}),
		},
		{
			name: "wrong totals", scenario: "pages of every length show every record", says: "the pages say",
			changes: alterPage(func(page *connector.Page, _ connector.Query) { page.Total = 1000 }),
		},
		{
			name: "complete before the end", scenario: "pages of every length show every record", says: "complete although more",
			changes: alterPage(func(page *connector.Page, _ connector.Query) { page.Complete = true }),
		},
		{
			name: "a sweep is never complete", scenario: "a sweep shows every id", part: "labels", says: "that it is complete",
			changes: alterPage(func(page *connector.Page, _ connector.Query) { page.Complete = false }),
		},
		{
			name: "a sweep shows one page", scenario: "a sweep shows every id", says: "a sweep",
			changes: alterPage(func(page *connector.Page, q connector.Query) { page.More = page.More && !q.Sweep() }),
		},
		{name: "offsets", scenario: "nothing that happens while paging is lost", says: "what was read", changes: offsets},
		{name: "offsets", scenario: "nothing that happens while paging is lost", part: "labels", says: "what was read", changes: offsets},
		{
			name: "the place is kept in memory", scenario: "a cursor survives a restart", says: "with restarts",
			changes: func(m *mutant, ctx context.Context, q connector.Query) (connector.Page, error) {
				if m.pages++; m.pages == 1 && q.Cursor != "" {
					return connector.Page{Next: q.Cursor}, nil
				}
				return m.good.Source.Changes(ctx, q)
			},
		},
		{
			name: "an expired cursor is taken for no news", scenario: "an expired cursor says so", says: "expired",
			changes: func(m *mutant, ctx context.Context, q connector.Query) (connector.Page, error) {
				page, err := m.good.Source.Changes(ctx, q)
				if connector.KindOf(err) == connector.Expired {
					return connector.Page{Next: q.Cursor}, nil
				}
				return page, err
			},
		},
		{
			name: "every part shows everything", scenario: "parts are read one by one", says: "is shown in part",
			changes: func(m *mutant, ctx context.Context, q connector.Query) (connector.Page, error) {
				q.Partition = ""
				return m.good.Source.Changes(ctx, q)
			},
		},
		{
			name: "only the first part", scenario: "pages of every length show every record", says: "a listing",
			suite: func(s *Suite) { s.Objects[0].People = map[string]string{"name": "Meyer {n}", "box": "support"} },
			partitions: func(m *mutant, ctx context.Context, object string) ([]string, error) {
				parts, err := m.good.Partitioner.Partitions(ctx, object)
				return parts[:1], err
			},
		},
	}
}

// offsets lists by number of record, and asks for the cursor at the end: the two usual
// ways to lose what happens while paging.
func offsets(m *mutant, ctx context.Context, q connector.Query) (connector.Page, error) { //nolint:revive // as all of a mutant's parts
	offset, listing := strings.CutPrefix(string(q.Cursor), "offset")
	if q.Cursor != "" && !listing {
		return m.good.Source.Changes(ctx, q)
	}
	var rows []connector.Change
	q.Cursor = ""
	for {
		page, err := m.good.Source.Changes(ctx, q)
		if err != nil {
			return page, err
		}
		rows = append(rows, page.Changes...)
		if q.Cursor = page.Next; !page.More {
			break
		}
	}
	number := func(c connector.Change) int { n, _ := strconv.Atoi(c.ID); return n }
	slices.SortFunc(rows, func(a, b connector.Change) int { return number(a) - number(b) })
	from, _ := strconv.Atoi(offset)
	rows = rows[min(from, len(rows)):]
	if len(rows) <= pageSize {
		return connector.Page{Changes: rows, Next: q.Cursor}, nil
	}
	next := connector.Cursor("offset" + strconv.Itoa(from+pageSize))
	return connector.Page{Changes: rows[:pageSize], Next: next, More: true}, nil
}

func changeDefects() []defect {
	return []defect{
		{
			name: "an idle read asks twice", scenario: "an idle read is one request and nothing new", says: "requests",
			changes: func(m *mutant, ctx context.Context, q connector.Query) (connector.Page, error) {
				if _, err := m.good.Check.Check(ctx); err != nil {
					return connector.Page{}, err
				}
				return m.good.Source.Changes(ctx, q)
			},
		},
		{
			name: "the cursor never moves", scenario: "an idle read is one request and nothing new", says: "an idle read shows",
			changes: func(m *mutant, ctx context.Context, q connector.Query) (connector.Page, error) {
				q.Cursor = ""
				return m.good.Source.Changes(ctx, q)
			},
		},
		{
			name: "only edits are changes", scenario: "a change shows up", says: "a record made",
			changes: dropChanges(func(c connector.Change, q connector.Query) bool { return q.Cursor != "" && c.Created.Equal(c.Modified) }),
		},
		{
			name: "only new records are changes", scenario: "a change shows up", says: "an edit",
			changes: dropChanges(func(c connector.Change, q connector.Query) bool {
				return q.Cursor != "" && c.Created.Before(c.Modified)
			}),
		},
		{
			name: "stamps are compared with our clock", scenario: "a change shows up whatever the vendor's clock says", says: "is not told",
			changes: dropChanges(func(c connector.Change, q connector.Query) bool {
				return q.Cursor != "" && time.Since(c.Modified) > 10*time.Minute
			}),
		},
		{
			name: "a silent field is not declared", scenario: "a change of every field shows up", says: "a change of color",
			schema: func(o *record.Object) { field(o, "color", func(f *record.Field) { f.Silent = false }) },
		},
		{
			name: "a cache hides what is silent", scenario: "a silent field is told by a full read", says: "a read: color",
			read: alterRead(alterValues(func(name string, v record.Value) record.Value {
				if name == "color" {
					return record.Value{}
				}
				return v
			})),
		},
		{
			name: "echoes are suppressed", scenario: "own writes show up", says: "is not told",
			changes: dropChanges(func(c connector.Change, _ connector.Query) bool { return c.ModifiedBy == "api" }),
		},
		{
			name: "own stamps are denied", scenario: "stamps move on own writes as declared", says: "moves the stamp",
			schema: func(o *record.Object) { o.OwnStamps = false },
		},
		{
			name: "stamps in the account's zone", scenario: "stamps are right in any zone", says: "is off by 5h30m",
			read: alterRead(func(changes []connector.Change) {
				for i := range changes {
					changes[i].Created = changes[i].Created.Add(5*time.Hour + 30*time.Minute)
				}
			}),
		},
		{
			name: "days shift with the zone", scenario: "stamps are right in any zone", says: "in another zone: born",
			read: alterRead(alterValues(func(name string, v record.Value) record.Value {
				if name == "born" && !v.IsEmpty() {
					return record.Date(v.Time().Add(-5 * time.Hour).Date())
				}
				return v
			})),
		},
	}
}

func goneDefects() []defect {
	return []defect{
		{
			name: "tombstones are left out", scenario: "deletes show as declared", says: "the feed does not tell",
			changes: dropChanges(func(c connector.Change, _ connector.Query) bool { return fateGone(c.Fate) }),
		},
		{
			name: "an incomplete sweep", scenario: "deletes show as declared", part: "labels", says: "that it is complete",
			changes: alterPage(func(page *connector.Page, _ connector.Query) { page.Complete = false }),
		},
		{
			name: "a sweep still shows what is gone", scenario: "deletes show as declared", part: "labels", says: "a sweep after a delete",
			changes: alterPage(func(page *connector.Page, q connector.Query) {
				if q.Sweep() && !page.More {
					gone := connector.Change{Record: record.Record{Ref: record.Ref{Object: q.Object, ID: "2"}}}
					page.Changes = append(page.Changes, gone)
				}
			}),
		},
		{
			name: "forbidden is taken for deleted", scenario: "a missing right does not look like deleted", says: "has fate",
			read: func(m *mutant, ctx context.Context, object string, ids []string) ([]connector.Change, error) {
				changes, err := m.good.Reader.Read(ctx, object, ids)
				if connector.KindOf(err) != connector.Forbidden {
					return changes, err
				}
				for _, id := range ids {
					gone := connector.Change{Fate: connector.Deleted}
					gone.Ref = record.Ref{Object: object, ID: id}
					changes = append(changes, gone)
				}
				return changes, nil
			},
		},
		{
			name: "forbidden is taken for empty", scenario: "a missing right does not look like deleted", part: "labels", says: "is complete",
			changes: func(m *mutant, ctx context.Context, q connector.Query) (connector.Page, error) {
				page, err := m.good.Source.Changes(ctx, q)
				if connector.KindOf(err) == connector.Forbidden {
					return connector.Page{Next: "l", Complete: true}, nil
				}
				return page, err
			},
		},
		{
			name: "hidden is taken for deleted", scenario: "a hidden record does not look like deleted", says: "read: a hidden record has fate",
			read: alterRead(func(changes []connector.Change) {
				for i := range changes {
					if changes[i].Fate == connector.Left {
						changes[i].Fate = connector.Deleted
					}
				}
			}),
		},
		{
			name: "merged is taken for deleted", scenario: "a merged record points to its survivor", says: "a merged record has fate",
			read: alterRead(func(changes []connector.Change) {
				for i := range changes {
					if changes[i].Fate == connector.Merged {
						changes[i].Fate, changes[i].Into = connector.Deleted, nil
					}
				}
			}),
		},
		{
			name: "the survivor is answered instead", scenario: "a merged record points to its survivor", says: "asked for",
			read: alterRead(func(changes []connector.Change) {
				for i := range changes {
					if changes[i].Fate == connector.Merged {
						changes[i].Ref, changes[i].Fate = changes[i].Into[0], connector.Present
					}
				}
			}),
		},
		{
			name: "delete archives", scenario: "delete", says: "after the delete",
			write: func(_ *mutant, _ context.Context, ops []connector.Op) ([]connector.Result, error) {
				return []connector.Result{{Ref: ops[0].Ref}}, nil
			},
		},
		{
			name: "archive deletes", scenario: "archive", says: "a record that was archived has fate",
			write: alterOps(func(op *connector.Op) {
				if op.Verb == connector.Archive {
					op.Verb = connector.Delete
				}
			}),
		},
		{
			name: "restore makes another record", scenario: "restore brings the same id back", says: "names",
			write: alterOps(func(op *connector.Op) {
				if op.Verb == connector.Restore {
					op.Verb, op.Ref.ID = connector.Create, ""
					op.Set = record.Fields{"name": record.Text("Back"), "box": record.Text("sales")}
				}
			}),
		},
	}
}
