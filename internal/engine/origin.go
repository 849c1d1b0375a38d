package engine

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// origin finds out where a value came from: the newest line of the journal that put it there,
// else the line that made the record, else whoever works on the vendor's own pages.
func (x *explainer) origin(w WhyField, lines []store.Entry) WhyOrigin {
	for _, e := range slices.Backward(w.Trail) {
		if e.Side == x.side && e.Record == x.id && e.New.Equal(w.Value) && puts(e.Kind) {
			return x.from(e, e.Old)
		}
	}
	for _, e := range slices.Backward(lines) {
		if e.Kind == store.Created && e.Side == x.side && e.Record == x.id && e.Set[w.Field].Equal(w.Value) && !w.Value.IsEmpty() {
			return x.from(e, record.Value{})
		}
	}
	for _, e := range slices.Backward(w.Trail) { // it was carried from here to the other side
		if e.Side != x.side && e.Kind == store.Written && w.State == "agreed" {
			o := x.from(e, record.Value{})
			o.Text = fmt.Sprintf("it was entered at %s, and run %s carried it to %s/%s", x.end().conn.spec.Title, RunName(e.Run), e.Of, e.Record)
			return o
		}
	}
	if w.Value.IsEmpty() {
		return WhyOrigin{Text: "it is empty at " + x.end().conn.spec.Title + "; Tandem did not empty it"}
	}
	return WhyOrigin{Text: "it was entered at " + x.end().conn.spec.Title + "; Tandem did not write it"}
}

// puts reports whether a line of that kind says what a record held from then on.
func puts(k store.EntryKind) bool {
	return k == store.Written || k == store.Rewritten || k == store.Overruled || k == store.Agreed
}

// from words what a line of the journal did.
func (x *explainer) from(e store.Entry, replaced record.Value) WhyOrigin {
	o := WhyOrigin{Rule: ruleOfEntry(e), Replaced: replaced, Entry: &e}
	other := "the other side"
	if e.Link != 0 && e.Link == x.link.ID {
		other = x.partner()
	}
	switch e.Kind {
	case store.Created:
		o.Text = fmt.Sprintf("run %s created the record with it: %s", RunName(e.Run), e.Why)
	case store.Agreed:
		o.Text = fmt.Sprintf("run %s found that both sides agree: %s", RunName(e.Run), e.Why)
	case store.Rewritten:
		o.Text = fmt.Sprintf("%s made it of what run %s had written", x.end().conn.spec.Title, RunName(e.Run))
	default:
		o.Text = fmt.Sprintf("run %s carried it from %s: %s", RunName(e.Run), other, e.Why)
		if e.By != "" && strings.HasPrefix(e.Why, store.CorrectionOf) {
			o.Text = fmt.Sprintf("%s entered it in the review queue, and run %s wrote it", e.By, RunName(e.Run))
		}
	}
	return o
}

// alone says why a record that is there has no partner.
func (x *explainer) alone(ctx context.Context) error {
	if x.r.p.Mapping == nil {
		x.sayf(Rule{}, "tandem check", "the fields of one of the objects are not known: a connection was never asked")
		return nil
	}
	if x.link.Closed != "" {
		x.sayf(ruleOf("R18"), "", "it was linked with %s, and that link was closed: %s", x.partner(), x.link.Closed)
	}
	in, err := x.r.p.Mapping.InScope(x.side, x.row.Fields, x.refs)
	if err != nil {
		return err
	}
	if !in {
		x.sayf(ruleOf("R19"), "change the record, or where."+x.side.String(), "it does not pass the filter where.%s: %s%s", x.side, x.r.p.Where[x.side], x.facts(x.r.p.Where[x.side]))
	}
	if err := x.keys(ctx); err != nil {
		return err
	}
	x.barred()
	said, err := x.standing(ctx)
	if err != nil {
		return err
	}
	if said.Reason != "" && said.Reason != standsFiltered && said.Reason != standsPartner && said.Reason != standsClosed {
		x.sayf(ruleOfStanding(said.Reason, said.Detail), "", "%s: %s", said.Reason, said.Detail)
	}
	if len(x.why.Reasons) == 0 {
		x.sayf(Rule{}, "tandem sync "+x.r.p.Name, "nothing hinders it; the next run plans it")
	}
	return nil
}

// facts shows the values of the fields that an expression names.
func (x *explainer) facts(expression string) string {
	var text strings.Builder
	for _, name := range vendors(x.row.Fields).Names() {
		f, _ := x.end().object.Field(name)
		if mentions(expression, name) || f.Common != "" && mentions(expression, f.Common) {
			fmt.Fprintf(&text, "; %s is %q", name, x.row.Fields[name])
		}
	}
	return text.String()
}

func mentions(expression, name string) bool {
	found, err := regexp.MatchString(`(^|[^\w.])`+regexp.QuoteMeta(name)+`($|[^\w])`, expression)
	return err == nil && found
}

// keys says whether the record can be matched at all.
func (x *explainer) keys(ctx context.Context) error {
	usable, all := 0, ""
	var look []store.Key
	for _, k := range x.r.p.Mapping.Keys(x.side, x.row.Fields) {
		if all != "" {
			all += ", "
		}
		all += k.Name
		switch {
		case k.Free:
			x.sayf(ruleOf("R14"), "", "%s is %q, a free-mail domain, which is no key", k.Name, k.Value)
		case k.Value != "":
			usable++
			look = append(look, store.Key{Name: k.Name, Value: k.Value})
		}
	}
	if usable == 0 {
		x.sayf(ruleOf("R14"), "fill one of them in", "it has no match key: %s is empty or unusable", all)
		return nil
	}
	of := x.r.p.ends[x.side.Other()].of
	found, err := x.r.e.store.FindByKey(ctx, of, look)
	if err != nil {
		return err
	}
	for _, k := range look {
		for _, id := range found[k] {
			links, err := x.r.e.store.LinksOf(ctx, x.r.p.Name, x.side.Other(), []string{id})
			if err != nil {
				return err
			}
			if l := links[id]; l.ID != 0 && l.Closed == "" {
				x.sayf(ruleOf("R20"), "", "%s/%s has the same %s and is linked with %s/%s", of, id, k.Name, x.end().of, l.IDs[x.side])
			}
		}
	}
	return nil
}

// barred says what keeps records from being created on the other side.
func (x *explainer) barred() {
	other := x.side.Other()
	end := x.r.p.ends[other]
	switch {
	case !x.r.p.Direction.Allows(other):
		x.sayf(Rule{}, "direction in tandem.yaml", "nothing is created in %s: direction is %s", end.of, x.r.p.Direction)
	case !x.r.p.Create[other]:
		x.sayf(Rule{}, "create in tandem.yaml", "nothing is created in %s: create does not name %s", end.of, other)
	case !end.object.Create:
		x.sayf(Rule{}, "", "nothing can be created in %s with this credential", end.of)
		x.lacks(other, "create")
	}
}

// standing returns what the last run said of the record, and whether the other side was
// known then.
func (x *explainer) standing(ctx context.Context) (store.Standing, error) {
	listed, err := x.listed(ctx, x.side.Other())
	if err != nil {
		return store.Standing{}, err
	}
	if !listed {
		x.sayf(ruleOf("R15"), "tandem sync "+x.r.p.Name, "%s has not been read to the end yet", x.r.p.ends[x.side.Other()].of)
	}
	return x.r.e.store.Standing(ctx, x.r.p.Name, x.side, x.id)
}
