package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/merge"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// A Why says how a record stands in one sync, and why: from journal, base and mirror, without
// a call to any vendor.
type Why struct {
	Sync    string
	Side    record.Side
	Of      store.Object
	ID      string
	Title   string
	State   string         // linked, alone, under way, gone, unknown
	Partner string         // "erp.contacts/12"; "" = none
	Reasons []WhyReason    // why it is so, what hinders it first
	Reviews []store.Review // open questions about it
	Decided []store.Entry  // what people decided about it, oldest first
	Fields  []WhyField
}

// A WhyReason is one reason with the rule behind it.
type WhyReason struct {
	Rule Rule   // zero = the configuration or the vendor says so, no rule of sync
	Text string // what is so, about this record
	Fix  string // what a person can do; "" = nothing is needed
}

// A WhyField is one mapped field of a record.
type WhyField struct {
	Field  string // wire name
	Key    string // of the mapping
	State  string // agreed, changed, differs, refused, unconfirmed, never agreed, unknown
	Value  record.Value
	Base   record.Value
	Reason WhyReason     // of the state, where it is not agreed
	Origin WhyOrigin     // where the value came from
	Trail  []store.Entry // the lines of the journal about the field, newest last
}

// A WhyOrigin is where a value came from.
type WhyOrigin struct {
	Text     string // in plain words
	Rule     Rule
	Replaced record.Value
	Entry    *store.Entry // nil = no line of the journal is about it
}

// Why explains a record, or one field of it (wire name or mapping key; "" = all), in every
// sync of its object.
func (e *Engine) Why(ctx context.Context, of store.Object, id, field string) ([]Why, error) {
	if err := e.recall(ctx); err != nil {
		return nil, err
	}
	var all []Why
	for _, p := range e.syncs {
		for _, side := range record.Sides() {
			if p.ends[side].of != of {
				continue
			}
			x := &explainer{r: e.runOf(p, 0), side: side, id: id, why: Why{Sync: p.Name, Side: side, Of: of, ID: id}}
			if err := x.explain(ctx, field); err != nil {
				return nil, fmt.Errorf("explain %s/%s in %s: %w", of, id, p.Name, err)
			}
			all = append(all, x.why)
		}
	}
	return all, nil
}

// An explainer explains one record in one sync.
type explainer struct {
	r    *run
	side record.Side
	id   string
	row  store.Row
	own  record.Fields // what the link of a participant's copy sees of it (R26); nil = all of it
	link store.Link    // the open one, or the newest that was closed
	refs *refs
	why  Why
}

func (x *explainer) sayf(rule Rule, fix, format string, args ...any) {
	x.why.Reasons = append(x.why.Reasons, WhyReason{Rule: rule, Text: fmt.Sprintf(format, args...), Fix: fix})
}

func (x *explainer) explain(ctx context.Context, field string) error {
	if err := x.load(ctx); err != nil {
		return err
	}
	x.why.Title = title(x.row.Fields)
	if err := x.questions(ctx); err != nil {
		return err
	}
	if err := x.hindrances(ctx); err != nil {
		return err
	}
	if err := x.events(ctx); err != nil {
		return err
	}
	open := x.link.ID != 0 && x.link.Closed == ""
	switch {
	case x.row.ID == "":
		x.why.State = "unknown"
		return x.unknown(ctx)
	case open:
		x.why.State, x.why.Partner = "linked", x.partner()
		if why := x.link.Diverged[wholeRecord]; why != "" {
			x.sayf(ruleOf(ruleOfReason(why)), "", "the pair rests: %s", why)
		}
	case x.row.Fate != connector.Present:
		x.why.State = "gone"
		x.sayf(ruleOf("R21"), "", lostAt(x.row.Fate), x.end().conn.spec.Title, x.r.e.moment(x.row.ReadAt))
	default:
		if x.why.State == "" {
			x.why.State = "alone"
		}
		if err := x.alone(ctx); err != nil {
			return err
		}
	}
	return x.fields(ctx, field, open)
}

// lostAt words what has become of a record that is not there.
func lostAt(fate connector.Fate) string {
	switch fate { //nolint:exhaustive // one that is present is there
	case connector.Archived:
		return "it is archived at %s, read %s"
	case connector.Left:
		return "it is out of sight at %s, read %s"
	case connector.Merged:
		return "it is merged into another record at %s, read %s"
	case connector.Converted:
		return "it is converted into another record at %s, read %s"
	default:
		return "it is deleted at %s, read %s"
	}
}

func (x *explainer) end() end { return x.r.p.ends[x.side] }

func (x *explainer) partner() string {
	other := x.side.Other()
	return x.r.p.ends[other].of.String() + "/" + x.link.IDs[other]
}

func (x *explainer) load(ctx context.Context) error {
	st := x.r.e.store
	rows, err := st.Rows(ctx, x.end().of, []string{x.id})
	if err != nil {
		return err
	}
	links, err := st.LinksOf(ctx, x.r.p.Name, x.side, []string{x.id})
	if err != nil {
		return err
	}
	x.row, x.link = rows[x.id], links[x.id]
	if x.r.p.Mapping == nil {
		return nil
	}
	if x.link.Role != store.Main && x.link.Closed == "" {
		x.sayf(ruleOf("R26"), "", "it is a participant's copy: only what is the participant's own is kept in step")
		x.own, _ = x.r.p.seenBy(x.link, x.side, x.row.Fields, x.row.Fields)
	}
	var both [2]map[string]store.Row
	both[x.side] = rows
	x.refs, err = x.r.loadRefs(ctx, both)
	return err
}

// questions gathers what a person was asked about the record or its pair.
func (x *explainer) questions(ctx context.Context) error {
	open, err := x.r.e.store.Reviews(ctx, store.ReviewQuery{Sync: x.r.p.Name, Open: true, Limit: maxLost})
	if err != nil {
		return err
	}
	for _, item := range open {
		mine := item.Record == x.id && item.Side == x.side || item.Link != 0 && item.Link == x.link.ID
		if mine || slices.Contains(item.Candidates, x.id) && item.Side != x.side {
			x.why.Reviews = append(x.why.Reviews, item)
		}
	}
	return nil
}

// hindrances are what keeps the whole sync, or this record, from going on just now.
func (x *explainer) hindrances(ctx context.Context) error {
	st := x.r.e.store
	for _, side := range record.Sides() {
		c := x.r.p.ends[side].conn
		if c.known.Paused != "" {
			x.sayf(ruleOf("R33"), "tandem check "+c.plan.Name, "the connection %s is paused: %s", c.plan.Name, c.known.Paused)
		}
	}
	if _, is, err := st.Restored(ctx, x.r.p.Name); err != nil {
		return err
	} else if is {
		x.sayf(ruleOf("R34"), "", "a backup was restored, and the sync has not seen both sides since")
	}
	busy, err := st.Busy(ctx, x.r.p.Name, []store.Spot{{Side: x.side, ID: x.id}})
	if err != nil {
		return err
	}
	if len(busy) == 0 {
		return nil
	}
	ops, err := st.Ops(ctx, "")
	if err != nil {
		return err
	}
	for _, op := range ops {
		if op.ID != busy[store.Spot{Side: x.side, ID: x.id}] {
			continue
		}
		x.why.State = "under way"
		return x.underWay(ctx, op)
	}
	return nil
}

// underWay says where an unfinished operation stands.
func (x *explainer) underWay(ctx context.Context, op store.Op) error {
	to := op.Target.String()
	if op.TargetID != "" {
		to += "/" + op.TargetID
	}
	what := fmt.Sprintf("a write (%s of %s) is decided", op.Verb, to)
	if op.Sync == x.r.p.Name && x.r.p.ends[op.Side].hosted() && (op.State == store.OpReady || op.State == store.OpSent || op.State == store.OpUnknown) {
		x.sayf(ruleOf("R16"), "", "%s and waits for the vendor's visit; fetched %d times%s", what, op.Attempts, lastError(op))
		return nil
	}
	switch op.State {
	case store.OpHeld:
		items, err := x.r.e.store.Reviews(ctx, store.ReviewQuery{Sync: op.Sync, Kinds: []store.ReviewKind{store.ReviewGuard}, Open: true, Limit: 1})
		if err != nil {
			return err
		}
		if len(items) > 0 {
			x.sayf(ruleOf("R30"), items[0].Fix, "%s and held by a guard: %s", what, items[0].Text)
			return nil
		}
		x.sayf(ruleOf("R30"), "", "%s; the next run sends it if the guard lets it pass", what)
	case store.OpUnknown:
		x.sayf(ruleOf("R16"), "", "%s, was sent, and its outcome is not known yet: %s", what, op.Error)
	default:
		x.sayf(ruleOf("R27"), "", "%s and not confirmed; tried %d times%s", what, op.Attempts, lastError(op))
	}
	return nil
}

func lastError(op store.Op) string {
	if op.Error == "" {
		return ""
	}
	return ", the last time: " + op.Error
}

// unknown says why a record is not in the mirror.
func (x *explainer) unknown(ctx context.Context) error {
	if x.end().conn.able.Source == nil || x.r.p.Mapping == nil {
		x.sayf(Rule{}, "tandem check "+x.end().conn.plan.Name, "the fields of %s are not known: the connection was never asked", x.end().of)
		return nil
	}
	listed, err := x.listed(ctx, x.side)
	if err != nil {
		return err
	}
	if !listed {
		x.sayf(ruleOf("R15"), "tandem sync "+x.r.p.Name, "%s has not been read to the end yet", x.end().of)
		return nil
	}
	if len(x.r.e.narrowed[x.end().of]) > 0 {
		x.sayf(ruleOf("R19"), "", "no run has seen such a record: it does not pass the filter where.%s, by which %s was asked to select; or it is newer than the last run, out of the credential's sight, or not there",
			x.side, x.end().conn.spec.Title)
		return nil
	}
	x.sayf(Rule{}, "", "no run has seen such a record: it is newer than the last run, out of the credential's sight, or not there")
	x.lacks(x.side, "read")
	return nil
}

// listed reports whether a side has been read to the end, as far as is remembered.
func (x *explainer) listed(ctx context.Context, side record.Side) (bool, error) {
	runs, err := x.r.e.store.Completed(ctx, x.r.p.Name)
	if err != nil || !runs[0].IsZero() {
		return err == nil, err
	}
	feed, err := x.r.e.store.Feed(ctx, x.r.p.ends[side].of, "", store.FeedChanges)
	return !feed.ListedAt.IsZero(), err
}

// lacks says what a credential may not do.
func (x *explainer) lacks(side record.Side, what string) {
	end := x.r.p.ends[side]
	for _, l := range end.conn.known.Identity.Lacks {
		if l.What == what && (l.Object == "" || l.Object == end.of.Name) {
			x.sayf(Rule{}, l.Remedy, "%s of %s is not allowed: %s", what, end.of, l.Why)
		}
	}
}

// fields explains the mapped fields that have a name on this side.
func (x *explainer) fields(ctx context.Context, only string, linked bool) error {
	if x.r.p.Mapping == nil {
		return nil
	}
	lines, err := x.r.e.store.History(ctx, store.HistoryQuery{Connection: x.end().of.Connection, Object: x.end().of.Name, Record: x.id, Sync: x.r.p.Name})
	if err != nil {
		return err
	}
	for _, e := range lines {
		if e.Kind == store.Decided {
			x.why.Decided = append(x.why.Decided, e)
		}
	}
	held := x.row.Fields
	if x.own != nil {
		held = x.own
	}
	for i, f := range x.r.p.Mapping.Fields() {
		name := fieldOn(f, x.side).Name
		if _, seen := x.own[name]; x.own != nil && !seen {
			continue
		}
		if name == "" || only != "" && only != name && only != f.Key && only != fieldOn(f, x.side).Common {
			continue
		}
		own, known, err := x.r.p.Mapping.Own(i, x.side, held, x.refs)
		if err != nil {
			return err
		}
		w := WhyField{Field: name, Key: f.Key, Value: own}
		w.Trail = x.trail(lines, f)
		if linked {
			x.state(&w, f, known)
		}
		w.Origin = x.origin(w, lines)
		if err := x.computed(ctx, &w, i); err != nil {
			return err
		}
		x.why.Fields = append(x.why.Fields, w)
	}
	return nil
}

// state says how a field of a pair stands.
func (x *explainer) state(w *WhyField, f mappingField, known bool) {
	base, agreed := baseOf(x.link, x.side, f.Key)
	w.Base = base
	why := x.link.Diverged[f.Key]
	_, expected := x.link.Expected[x.side][f.Key]
	w.Reason = WhyReason{Rule: ruleOf(ruleOfReason(why)), Text: why}
	switch {
	case why != "" && w.Reason.Rule.Number == "R2":
		w.State = "refused"
	case why != "":
		w.State = "differs"
	case expected:
		w.State = "unconfirmed"
		w.Reason = WhyReason{Rule: ruleOf("R2"), Text: "written, and no read has shown it yet"}
	case !known:
		w.State = "unknown"
		w.Reason = WhyReason{Rule: ruleOf("R11"), Text: "the record was not read with this field"}
	case !agreed:
		w.State = "never agreed"
		w.Reason = WhyReason{Rule: ruleOf("R28"), Text: "what it refers to has no partner yet, or no run has looked since the field was mapped"}
	case !merge.Equal(f.Set, fieldOn(f, x.side).Plain(w.Value), base):
		w.State = "changed"
		w.Reason = WhyReason{Rule: ruleOf("R8"), Text: "edited since the last agreement; the next run merges it"}
	default:
		w.State = "agreed"
		w.Reason = WhyReason{}
	}
}

// trail are the lines about a field, on either side of the pair.
func (x *explainer) trail(lines []store.Entry, f mappingField) []store.Entry {
	var out []store.Entry
	for _, e := range lines {
		if e.Field != "" && (e.Field == fieldOn(f, e.Side).Name || e.Field == f.Key) {
			out = append(out, e)
		}
	}
	return out
}
