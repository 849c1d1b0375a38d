package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tandemhub/tandem/internal/merge"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// What a person edits is carried over by today's rules. What would be written, or parted, only
// because the rules are others than those that were last approved of waits for a person
// (R19): each write is held against what the former rules would have done with the same two
// records.

// A former is a sync's rules as they were last approved of, where they differ from today's.
type former struct {
	*plan.Resolved
	index   map[string]int       // mapping fields by key
	revalue map[string]bool      // fields whose value map has changed
	tried   []*plan.Resolved     // rules that nobody approved of, by which values were carried over since
	back    bool                 // today's rules are those that were last approved of
	decided map[change]string    // what a person decided about this change of the rules
	touched atomic.Bool          // what waits has changed in this run
	overlay map[int64]store.Link // links as a rehearsal leaves them
	mark    string               // tells this change of the rules from any other
}

// A change is a kind of thing that a changed configuration does; each is one question.
type change string

const (
	changesValues change = "values" // writes fields of linked pairs
	changesFilter change = "filter" // parts pairs that no longer pass
)

// subject is what a question about this change is about: a decision counts for the rules that
// it was made for.
func (f *former) subject(c change) string { return "configuration " + string(c) + " " + f.mark }

func changes() []change { return []change{changesValues, changesFilter} }

// The decisions of such a question.
const (
	approved = "approve"
	kept     = "keep"
)

// Why a link diverges because of a changed configuration. Under a field's key it is about
// that field, under leftFilter about the pair; keptValues is why a field is agreed on.
const (
	waitsForApproval = "waits for approval of the changed configuration"
	keptValues       = "the configuration changed, and a person kept what is there"
	keptInSync       = "kept in step by a person although it no longer passes the filter"
)

// takeUpFormer finds out whether the rules of the sync have changed since they were last
// approved of. Until a run has been complete they may change at will: then what was agreed on
// by the former ones follows without a question.
func (r *run) takeUpFormer(ctx context.Context) error {
	present, err := r.p.RuleSet()
	if err != nil {
		return err
	}
	rules, since, err := r.e.store.Approved(ctx, r.p.Name)
	if err != nil {
		return err
	}
	tried, err := r.e.store.Tried(ctx, r.p.Name)
	if err != nil || rules == present && len(tried) == 0 {
		return err
	}
	var was *plan.Resolved
	if rules != "" {
		if was, err = r.e.formerly(r.p, rules); err != nil {
			return err
		}
	}
	if was == nil {
		return r.approveRules(ctx)
	}
	r.former = &former{Resolved: was, back: rules == present, index: map[string]int{}, revalue: map[string]bool{}, decided: map[change]string{}, overlay: map[int64]store.Link{}}
	sum := sha256.Sum256([]byte(rules + "\n" + present))
	r.former.mark = hex.EncodeToString(sum[:4])
	r.former.touched.Store(r.dry != nil)
	for i, f := range was.Mapping.Fields() {
		r.former.index[f.Key] = i
	}
	r.former.compare(r.p, was)
	if err := r.takeUpTried(ctx, tried, present); err != nil {
		return err
	}
	return r.takeUpApprovals(ctx, since)
}

// compare notes the fields whose value map is another one by other rules.
func (f *former) compare(p *pair, was *plan.Resolved) {
	for _, field := range was.Mapping.Fields() {
		if i, ok := p.index[field.Key]; ok && !maps.Equal(valuesOf(was.Sync, field.Entry), valuesOf(p.Sync, p.Mapping.Fields()[i].Entry)) {
			f.revalue[field.Key] = true
		}
	}
}

func valuesOf(s plan.Sync, entry int) map[string]string {
	for _, f := range s.Fields {
		if f.Index == entry {
			return f.Values
		}
	}
	return nil
}

// approveRules remembers today's rules as approved of.
func (r *run) approveRules(ctx context.Context) error {
	if r.dry != nil {
		return nil
	}
	present, err := r.p.RuleSet()
	if err != nil {
		return err
	}
	if err := r.e.store.Approve(ctx, r.p.Name, present, time.Now()); err != nil {
		return fmt.Errorf("remember the rules: %w", err)
	}
	return nil
}

// formerly resolves former rules against today's objects. Fields that are not there any more
// cannot be told of and are left out; nil = nothing can be made of the rules.
func (e *Engine) formerly(p *pair, rules string) (*plan.Resolved, error) {
	was, err := p.WithRuleSet(rules)
	if err != nil {
		return nil, err
	}
	resolve := func(s plan.Sync) *plan.Resolved {
		r, problems := e.plan.ResolveAmong(s, p.ends[record.Left].object, p.ends[record.Right].object, e.around(s))
		if problems.HasErrors() {
			return nil
		}
		return r
	}
	if r := resolve(was); r != nil {
		return r, nil
	}
	least := was
	least.Where, least.Match = p.Where, p.Match
	var fields []plan.Field
	for _, f := range was.Fields {
		least.Fields = []plan.Field{f}
		if resolve(least) != nil {
			fields = append(fields, f)
		}
	}
	least.Fields = fields
	if was.Fields != nil && fields == nil {
		return nil, nil
	}
	return resolve(least), nil
}

// takeUpApprovals learns what was decided about the change of the rules, and has the pairs
// planned again that waited for it.
func (r *run) takeUpApprovals(ctx context.Context, since time.Time) error {
	f := r.former
	for _, c := range changes() {
		item, err := r.decision(ctx, f.subject(c))
		if err != nil {
			return err
		}
		if !item.Decided.Before(since) {
			f.decided[c] = item.Decision // "" if nobody has
		}
		if r.approve || r.first {
			f.decided[c] = approved
		}
	}
	if f.decided[changesValues] == "" && f.decided[changesFilter] == "" {
		return nil
	}
	return r.eachLink(ctx, func(links []store.Link) error {
		var dirty []store.Spot
		for _, l := range links {
			if waits(l) {
				dirty = append(dirty, store.Spot{Side: record.Left, ID: l.IDs[record.Left]})
			}
		}
		return r.markDirty(ctx, dirty)
	})
}

// waits reports whether anything of an open link waits for approval.
func waits(l store.Link) bool {
	for _, why := range l.Diverged {
		if why == waitsForApproval {
			return l.Closed == ""
		}
	}
	return false
}

// forgetWaiting takes the notes of waiting off a pair that is planned anew.
func (b *batch) forgetWaiting(d *draft) {
	for key, why := range d.link.Diverged {
		if why == waitsForApproval {
			d.converge(key)
			b.r.touchFormer()
		}
	}
}

func (r *run) touchFormer() {
	if r.former != nil {
		r.former.touched.Store(true)
	}
}

// stays reports whether a pair that no longer passes the filter goes on as before: because
// only the filter has changed, and nobody has approved of that.
func (b *batch) stays(d *draft, side record.Side) bool {
	if d.link.Diverged[leftFilter] == keptInSync {
		return true
	}
	f := b.r.former
	if f == nil {
		return false
	}
	if in, err := f.Mapping.InScope(side, d.rows[side].Fields, b.refs); err != nil || !in {
		return false // it would have left by the former rules too
	}
	switch f.decided[changesFilter] {
	case approved:
		return false
	case kept:
		d.diverge(leftFilter, keptInSync)
	default:
		d.diverge(leftFilter, waitsForApproval)
		f.touched.Store(true)
	}
	return true
}

// byConfiguration reports whether a field would be written only because the rules have
// changed: by the former ones there was nothing to write.
func (b *batch) byConfiguration(d *draft, key string, out merge.Outcome) bool {
	f := b.r.former
	if f == nil || d.fresh || out.State != merge.StateWrite {
		return false
	}
	i, was := f.index[key]
	if !was {
		return false // R5: a field that is mapped anew
	}
	switch f.outcome(b, d, i).State {
	case merge.StateEqual, merge.StateAgreed:
		return true
	case merge.StateDiverged:
		return d.noted[key] != "" // else the edit is younger than the rules
	case merge.StateWrite, merge.StateAsk, merge.StateUnknown: // an edit is on its way, or waits
	}
	return false
}

// outcome is what the former rules would make of a field.
func (f *former) outcome(b *batch, d *draft, i int) merge.Outcome {
	m, rule := f.Mapping, f.Rules[i]
	field := m.Fields()[i]
	var in merge.Field
	for _, side := range record.Sides() {
		c := &in.Cells[side]
		v, known, err := m.Own(i, side, d.rows[side].Fields, b.refs)
		c.Value, c.Known = v, known && err == nil
		c.Base, c.HasBase = baseOf(d.link, side, field.Key)
		if !c.Known {
			continue
		}
		c.Sent, c.Translated, err = m.Convert(i, side, c.Value, b.refs)
		c.Translated = c.Translated && err == nil
		if base, ok, err := m.Convert(i, side, c.Base, b.refs); field.Set && c.HasBase && ok && err == nil {
			c.SentBase = base
		}
	}
	in.Direction, in.Prefer, in.Enforce, in.Set = allowed(rule.Direction, field), rule.Prefer, rule.Enforce, field.Set
	in.Same, in.Consent = func(l, r record.Value) bool { return m.Same(i, l, r) }, b.consentOf(d, field, in)
	return merge.One(in, d.times)
}

// configured settles a field that is to be written because the rules have changed, as far as
// it is not simply written. It reports whether that is all.
func (b *batch) configured(d *draft, key string, in merge.Field, out *merge.Outcome) bool {
	switch b.r.former.decided[changesValues] {
	case approved:
		out.Rule = store.ByConfiguration + out.Rule
		return false
	case kept:
		b.agree(d, b.r.p.Mapping.Fields()[b.r.p.index[key]], in, merge.Outcome{Rule: keptValues})
	default:
		d.diverge(key, waitsForApproval)
		b.r.former.touched.Store(true)
	}
	return true
}

// leading is the side whose value counts where both are as they were agreed on.
func (p *pair) leading(i int) record.Side {
	rule := p.Rules[i]
	switch {
	case !rule.Direction.Allows(record.Right), rule.Direction == merge.Both && rule.Prefer == merge.Right:
		return record.Right
	default:
		return record.Left
	}
}

// byApproval reports whether an operation's field is there because a person approved of a
// changed configuration: no guard has to stop that once more (R30).
func byApproval(f store.OpField) bool { return strings.HasPrefix(f.Rule, store.ByConfiguration) }
