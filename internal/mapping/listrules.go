package mapping

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tandemhub/tandem/record"
)

// A ListRule says on which lists a record is: on one by a record that refers to it, such as the
// stage of its deal, or on one by a condition.
type ListRule struct {
	Of     string            // the object that refers here; "" = the rule is a condition
	Pick   []string          // statuses: of several records the first in this order counts; nil = open, won, lost
	Status string            // field of Of with the status; "" = its common status, or else By
	By     string            // field of Of whose value chooses the list; "" = its common stage
	Newest string            // field of Of by which the newest of several counts; "" = when its stage changed
	To     map[string]string // lists by status, or by value of By
	In     string            // the list of a condition
	When   string            // the condition

	Index int // position in the file's list
}

func (r ListRule) path(part string) string {
	p := fmt.Sprintf("lists[%d]", r.Index)
	if part != "" {
		p += "." + part
	}
	return p
}

// named are the lists that rules name, sorted.
func named(rules []ListRule) []string {
	var all []string
	for _, r := range rules {
		all = append(all, r.In)
		for _, list := range r.To {
			all = append(all, list)
		}
	}
	return unique(all)
}

// lists is an entry of rules: a set that is computed, one way, of which only what the rules
// name is ever taken away (R12).
func (c *compiler) lists(e Entry) {
	first := e.Lists[0].path("field")
	to, target, ok := c.listTarget(e, first)
	if !ok {
		return
	}
	if !target.Writable() {
		c.problemf(first, "%q is read-only", target.Name)
		return
	}
	e.Lists = byID(e.Lists, target)
	if len(target.Choices) > 0 && !target.Open {
		c.knownLists(e, target)
	}
	source, before := to.Other(), len(c.problems)
	parts := make([]string, 0, len(e.Lists))
	for _, rule := range e.Lists {
		parts = append(parts, c.listExpr(rule, source))
	}
	if len(c.problems) > before {
		return
	}
	prog, problems := c.compileExpr(e.Lists[0].path(""), "lists(["+strings.Join(parts, ", ")+"])", source)
	c.problems = append(c.problems, problems...)
	if len(problems) > 0 {
		return
	}
	c.addComputed(e, to, target, prog)
}

// listTarget finds the field that holds the lists: the one that is named, or the only set of
// references to lists on a side to which values go.
func (c *compiler) listTarget(e Entry, path string) (record.Side, record.Field, bool) {
	wanted := e.Lists[0].field(e)
	var found []record.Field
	var at record.Side
	for _, s := range record.Sides() {
		if !e.toward(s) {
			continue
		}
		for _, f := range c.object(s).Fields {
			if e.holdsLists(c.object(s), f) {
				found, at = append(found, f), s
			}
		}
	}
	switch {
	case len(found) == 1 && !isSet(found[0].Kind):
		c.problemf(path, "%q holds one value; lists are kept in a field of several", found[0].Name)
	case len(found) == 1:
		return at, found[0], true
	case wanted != "":
		p := unknownField(path, c.object(record.Right), wanted)
		if !e.toward(record.Right) {
			p = unknownField(path, c.object(record.Left), wanted)
		}
		c.problems = append(c.problems, p)
	default:
		c.problemf(path, "say in which field the lists of %s or %s are, as in field: lists", c.in.Left.Name, c.in.Right.Name)
	}
	return 0, record.Field{}, false
}

// holdsLists reports whether a field may be the one that holds the lists.
func (e Entry) holdsLists(o record.Object, f record.Field) bool {
	if wanted := e.Lists[0].field(e); wanted != "" {
		named, ok := resolve(o, wanted)
		return ok && named.Name == f.Name
	}
	return f.Kind == record.KindReferences && f.Writable() && strings.HasSuffix(strings.ToLower(f.To), "lists")
}

// HoldsLists reports whether an entry's rules of lists put records on lists by a field of the
// object: then what they look at is at the other side.
func HoldsLists(e Entry, o record.Object) bool {
	return len(e.Lists) > 0 && slices.ContainsFunc(o.Fields, func(f record.Field) bool { return e.holdsLists(o, f) })
}

// field is what the entry calls the field that holds the lists.
func (r ListRule) field(e Entry) string {
	if e.Left != "" {
		return e.Left
	}
	return e.Right
}

// byID puts ids in the place of the names of lists.
func byID(rules []ListRule, target record.Field) []ListRule {
	id := func(list string) string {
		if v, ok := byLabel(target.Choices, list); ok && !hasChoice(target, list) {
			return v
		}
		return list
	}
	out := slices.Clone(rules)
	for i, r := range out {
		out[i].In = id(r.In)
		out[i].To = make(map[string]string, len(r.To))
		for key, list := range r.To {
			out[i].To[key] = id(list)
		}
	}
	return out
}

// MissingLists returns the lists of an entry's rules that an object's field of lists has not
// among its choices, by id or by name, and that field.
func MissingLists(e Entry, o record.Object) (record.Field, []string) {
	i := slices.IndexFunc(o.Fields, func(f record.Field) bool { return e.holdsLists(o, f) })
	if i < 0 || o.Fields[i].Open || len(o.Fields[i].Choices) == 0 {
		return record.Field{}, nil
	}
	target := o.Fields[i]
	return target, slices.DeleteFunc(named(byID(e.Lists, target)), func(list string) bool { return hasChoice(target, list) })
}

// knownLists holds the lists of rules against the choices that there are.
func (c *compiler) knownLists(e Entry, target record.Field) {
	var words []string
	for _, ch := range target.Choices {
		words = append(words, ch.Value, ch.Label)
	}
	check := func(path, list string) {
		if list != "" && !hasChoice(target, list) {
			c.problems = append(c.problems, Problem{Path: path, Text: fmt.Sprintf("%q is none of the lists of %q", list, target.Name), Near: nearest(list, words)})
		}
	}
	for _, r := range e.Lists {
		check(r.path("in"), r.In)
		for _, key := range sortedKeys(r.To) {
			check(r.path("to"), r.To[key])
		}
	}
}

// listExpr writes a rule as an expression that comes to a list, or to nothing.
func (c *compiler) listExpr(r ListRule, source record.Side) string {
	if r.Of == "" {
		_, problems := c.compileExpr(r.path("when"), r.When, source)
		c.problems = append(c.problems, problems...)
		return fmt.Sprintf("((%s) ? %s : \"\")", r.When, strconv.Quote(r.In))
	}
	p := &patcher{object: c.object(source), kin: kinOf(c.object(source), c.in.Kin[source])}
	k, several := p.related(r.Of)
	if k == nil {
		c.unrelated(r, r.path("of"), p, several)
		return ""
	}
	status, by, ok := c.listFields(r, k)
	if !ok {
		return ""
	}
	pick := r.Pick
	if pick == nil {
		pick = []string{"open", "won", "lost"}
	}
	c.knownChoices(r.path("pick"), pick, status)
	newest := c.newestOf(r, k)
	one := fmt.Sprintf("pick(f[%q], %q, %s, %q)", k.object.Name+"."+k.field, status.Name, quoted(pick), newest)
	var byStatus, byValue []string
	for _, key := range sortedKeys(r.To) {
		if slices.Contains(pick, key) {
			byStatus = append(byStatus, key, r.To[key])
			continue
		}
		value := key
		if v, ok := byLabel(by.Choices, key); ok && !hasChoice(by, key) {
			value = v
		}
		c.knownChoices(r.path("to"), []string{value}, by)
		byValue = append(byValue, value, r.To[key])
	}
	if status.Name == by.Name {
		return fmt.Sprintf("among(%s[%q], %s)", one, by.Name, quoted(append(byStatus, byValue...)))
	}
	// What is won or lost keeps its last stage, which says nothing any more.
	return fmt.Sprintf("(among(%[1]s[%[2]q], %[3]s) ?? (%[1]s[%[2]q] == %[4]q ? among(%[1]s[%[5]q], %[6]s) : \"\"))",
		one, status.Name, quoted(byStatus), pick[0], by.Name, quoted(byValue))
}

func (c *compiler) unrelated(r ListRule, path string, p *patcher, several []string) {
	if len(several) > 0 {
		c.problemf(path, "%s refer to %s by several fields; write one of %s", r.Of, p.object.Name, strings.NewReplacer(`f["`, "", `"]`, "").Replace(strings.Join(several, ", ")))
		return
	}
	var words []string
	for _, k := range p.kin {
		words = append(words, k.object.Name)
	}
	c.problems = append(c.problems, Problem{Path: path, Text: fmt.Sprintf("no object %q refers to %s", r.Of, p.object.Name), Near: nearest(r.Of, words)})
}

// listFields are the fields with the status and the stage.
func (c *compiler) listFields(r ListRule, k *kin) (status, by record.Field, ok bool) {
	named := func(part, name, common string) (record.Field, bool) {
		if name == "" {
			return resolve(k.object, common)
		}
		f, ok := resolve(k.object, name)
		if !ok {
			p := unknownField(r.path(part), k.object, name)
			c.problems = append(c.problems, p)
		}
		return f, ok
	}
	before := len(c.problems)
	by, hasBy := named("by", r.By, "stage")
	status, hasStatus := named("status", r.Status, "status")
	switch {
	case len(c.problems) > before:
		return status, by, false
	case !hasBy && !hasStatus:
		c.problemf(r.path("by"), "by has to name the field of %s that chooses the list", k.object.Name)
		return status, by, false
	case !hasBy:
		by = status
	case !hasStatus:
		status = by
	}
	return status, by, true
}

// newestOf is the field by which the newest of several records is found, "" for none.
func (c *compiler) newestOf(r ListRule, k *kin) string {
	if r.Newest != "" {
		f, ok := resolve(k.object, r.Newest)
		if !ok {
			c.problems = append(c.problems, unknownField(r.path("newest"), k.object, r.Newest))
		}
		return f.Name
	}
	for _, name := range []string{"stage_change_time", "stage_changed_at", "hs_v2_date_entered_current_stage", "opened_at", "created_at"} {
		if f, ok := resolve(k.object, name); ok {
			return f.Name
		}
	}
	return ""
}

// knownChoices holds values against the choices of a field.
func (c *compiler) knownChoices(path string, values []string, f record.Field) {
	if f.Open || len(f.Choices) == 0 {
		return
	}
	var words []string
	for _, ch := range f.Choices {
		words = append(words, ch.Value, ch.Label)
	}
	for _, v := range values {
		if !hasChoice(f, v) {
			c.problems = append(c.problems, Problem{Path: path, Text: fmt.Sprintf("%q is no value of %q", v, f.Name), Near: nearest(v, words)})
		}
	}
}

func quoted(texts []string) string {
	out := make([]string, 0, len(texts))
	for _, s := range texts {
		out = append(out, strconv.Quote(s))
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// pickOf is pick(list, "status", ["open", "won"], "newest"): the element whose status comes
// first in the order of the words, and of several the newest.
func pickOf(r *run, a []any) (any, error) {
	words, err := list(a[2])
	if err != nil {
		return nil, err
	}
	items, err := list(a[0])
	if err != nil {
		return nil, err
	}
	if err := r.charge(costOfStep * (len(items) + 1) * (len(words) + 1)); err != nil {
		return nil, err
	}
	for _, word := range words {
		var fit []any
		for _, item := range items {
			status, err := member(r, []any{item, a[1]})
			if err != nil {
				return nil, err
			}
			if same(status, word) {
				fit = append(fit, item)
			}
		}
		switch {
		case len(fit) == 0:
		case empty(a[3]) || len(fit) == 1:
			return fit[len(fit)-1], nil
		default:
			newest, err := latestOf(r, []any{fit, a[3]})
			if group, ok := newest.(map[string]any); ok && len(group) == 0 {
				newest = fit[len(fit)-1]
			}
			return newest, err
		}
	}
	return map[string]any{}, nil
}

// amongOf is among(x, ["a", "1", "b", "2"]): what stands after x, "" if it is not there.
func amongOf(r *run, a []any) (any, error) {
	pairs, err := list(a[1])
	if err != nil {
		return nil, err
	}
	if len(pairs)%2 != 0 {
		return nil, errors.New("among takes a list of pairs")
	}
	for i := 0; i < len(pairs); i += 2 {
		if !empty(a[0]) && same(pairs[i], a[0]) {
			return pairs[i+1], nil
		}
	}
	return "", r.charge(costOfStep * len(pairs))
}

// listsOf is lists(["60", "", "61"]): each list once, and no empty one.
func listsOf(r *run, a []any) (any, error) {
	items, err := list(a[0])
	if err != nil {
		return nil, err
	}
	out := make([]any, 0, len(items))
	for _, item := range items {
		if !empty(item) && !slices.ContainsFunc(out, func(x any) bool { return same(x, item) }) {
			out = append(out, item)
		}
	}
	return out, r.charge(costOfStep * len(items) * len(items))
}
