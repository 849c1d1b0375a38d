package console

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
)

const (
	reviewLines = 50     // on a page
	mostAtOnce  = 10_000 // items that are decided in one go
)

// A reviewFilter selects open items.
type reviewFilter struct {
	Sync string
	Kind store.ReviewKind
}

// filterOf reads the filter of a request; what is not known selects nothing in particular.
func (c *console) filterOf(r *http.Request) reviewFilter {
	var f reviewFilter
	if name := r.FormValue("sync"); name != "" {
		if _, known := c.hub.Plan().Sync(name); known {
			f.Sync = name
		}
	}
	if kind := store.ReviewKind(r.FormValue("kind")); slices.Contains(engine.ReviewKinds(), kind) {
		f.Kind = kind
	}
	return f
}

func (f reviewFilter) query(after int64, limit int) store.ReviewQuery {
	q := store.ReviewQuery{Sync: f.Sync, Open: true, After: after, Limit: limit}
	if f.Kind != "" {
		q.Kinds = []store.ReviewKind{f.Kind}
	}
	return q
}

// address adds the filter to an address; more are further names and values.
func (f reviewFilter) address(path string, more ...string) string {
	q := url.Values{}
	if f.Sync != "" {
		q.Set("sync", f.Sync)
	}
	if f.Kind != "" {
		q.Set("kind", string(f.Kind))
	}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// Item is the address of an item, in this filter.
func (f reviewFilter) Item(id int64) string { return f.address("/review/" + strconv.FormatInt(id, 10)) }

// A reviewLine is one item of the list.
type reviewLine struct {
	store.Review

	Where    string // its record: "erp.contacts/12"
	Many     int    // records that it is about
	Link     string
	Name     string // of the field; "" = it is about none
	Conflict bool   // two values of it
	Sides    [2]cell
}

// A reviewTab is one kind, or all, with how many wait.
type reviewTab struct {
	Kind    store.ReviewKind // "" = all
	N       int
	Address string
	Here    bool
}

type reviewPage struct {
	Filter reviewFilter
	Syncs  []string
	Tabs   []reviewTab
	Total  int // in the filter
	Items  []reviewLine
	Words  []choiceView // that decide many at once
	First  string       // the first page, if this is another one
	Older  string       // the next page
	OfKind int          // how many "all of this kind" are; 0 = no kind is chosen
}

func (c *console) showReview(w http.ResponseWriter, r *http.Request) error {
	f := c.filterOf(r)
	after, err := optional(r.URL.Query().Get("after"))
	if err != nil {
		return err
	}
	counts, err := c.hub.Store().CountReviews(r.Context())
	if err != nil {
		return err
	}
	items, err := c.hub.Store().Reviews(r.Context(), f.query(after, reviewLines+1))
	if err != nil {
		return err
	}
	data := reviewPage{Filter: f}
	data.count(counts)
	for _, s := range c.hub.Plan().Syncs {
		data.Syncs = append(data.Syncs, s.Name)
	}
	if after > 0 {
		data.First = f.address("/review")
	}
	if len(items) > reviewLines {
		items = items[:reviewLines]
		data.Older = f.address("/review", "after", strconv.FormatInt(items[reviewLines-1].ID, 10))
	}
	names, err := c.namerOf(r.Context(), items)
	if err != nil {
		return err
	}
	for _, it := range items {
		line := reviewLine{Review: it, Where: c.recordName(it), Link: f.Item(it.ID), Name: keyName(it.Field)}
		line.Sides, line.Conflict = names.sides(it)
		if engine.NamesAffected(it) {
			line.Many = len(it.Candidates)
		}
		data.Items = append(data.Items, line)
	}
	for _, word := range wordsFor(items) {
		data.Words = append(data.Words, choiceView{Word: word, Text: choiceText(f.Kind, word)})
	}
	return c.view.page(w, r, "review", data)
}

// count makes the tabs.
func (p *reviewPage) count(counts []store.ReviewCount) {
	of := map[store.ReviewKind]int{}
	for _, x := range counts {
		if p.Filter.Sync == "" || x.Sync == p.Filter.Sync {
			of[x.Kind] += x.N
			of[""] += x.N
		}
	}
	for _, kind := range append([]store.ReviewKind{""}, engine.ReviewKinds()...) {
		if kind != "" && of[kind] == 0 && kind != p.Filter.Kind {
			continue
		}
		to := reviewFilter{Sync: p.Filter.Sync, Kind: kind}
		p.Tabs = append(p.Tabs, reviewTab{Kind: kind, N: of[kind], Address: to.address("/review"), Here: kind == p.Filter.Kind})
	}
	p.Total = of[p.Filter.Kind]
	if p.Filter.Kind != "" {
		p.OfKind = p.Total
	}
}

// recordName writes an item's record as its link to the history has it: "erp.contacts/12".
func (c *console) recordName(it store.Review) string {
	if it.Record == "" {
		return ""
	}
	s, ok := c.hub.Plan().Sync(it.Sync)
	if !ok {
		return it.Record
	}
	return s.Ends[it.Side].String() + "/" + it.Record
}

// best is the word for the likeliest candidate.
const best = ":1"

// wordsFor are the words that decide any of some items, in the order in which people read them.
// Candidates have one word together: the likeliest.
func wordsFor(items []store.Review) []string {
	var words []string
	add := func(word string) {
		if !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	for _, it := range items {
		for _, choice := range it.Choices {
			switch {
			case !slices.Contains(it.Candidates, choice):
				add(choice)
			case choice == it.Candidates[0]:
				add(best)
			}
		}
	}
	return words
}

// A manyPage shows what a bulk decision would decide, before it is done.
type manyPage struct {
	Filter reviewFilter
	Word   choiceView
	Picked int
	Rest   int // without such a choice: left alone
	More   int // beyond what is decided in one go
	Groups []manyGroup
	IDs    []int64 // that were chosen one by one
	All    bool    // all of the filter, up to UpTo
	UpTo   int64
}

type manyGroup struct {
	Sync  string
	Kind  store.ReviewKind
	Field string
	Cause string
	N     int
	First string // the address of one of them

	Conflict bool // two values of a field
	Sides    [2]cell
}

// chosenMany reads which items a bulk decision is about: those that are ticked, or all of the
// filter that were there when they were shown.
func (c *console) chosenMany(r *http.Request) (p manyPage, items []store.Review, err error) {
	p = manyPage{Filter: c.filterOf(r), Word: choiceView{Word: cutTo(r.FormValue("choice"), 200)}, All: r.FormValue("all") == "1"}
	p.Word.Text = choiceText(p.Filter.Kind, p.Word.Word)
	if p.UpTo, err = optional(r.FormValue("upto")); err != nil {
		return p, nil, err
	}
	if p.All {
		items, err = c.hub.Store().Reviews(r.Context(), p.Filter.query(0, mostAtOnce+1))
		if len(items) > mostAtOnce {
			counts, err := c.hub.Store().CountReviews(r.Context())
			if err != nil {
				return p, nil, err
			}
			var tabs reviewPage
			tabs.Filter = p.Filter
			tabs.count(counts)
			p.More, items = tabs.Total-mostAtOnce, items[:mostAtOnce]
		}
		items = slices.DeleteFunc(items, func(it store.Review) bool { return p.UpTo > 0 && it.ID > p.UpTo })
		return p, items, err
	}
	var ids []int64
	for _, text := range r.Form["id"] {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil || len(ids) == mostAtOnce {
			return p, nil, errNotFound()
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		it, found, err := c.hub.Store().Review(r.Context(), id)
		if err != nil {
			return p, nil, err
		}
		if found && it.Decision == "" {
			p.IDs, items = append(p.IDs, id), append(items, it)
		}
	}
	return p, items, nil
}

// optional reads a number that may be missing.
func optional(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, errNotFound()
	}
	return n, nil
}

// showMany is the dry listing of a bulk decision.
func (c *console) showMany(w http.ResponseWriter, r *http.Request) error {
	p, items, err := c.chosenMany(r)
	if err != nil {
		return err
	}
	choices, picked := engine.ChooseMany(items, p.Word.Word)
	if len(choices) == 0 {
		return invalid("error.nomany")
	}
	p.Picked, p.Rest = len(picked), len(items)-len(picked)
	if p.All {
		p.UpTo = items[len(items)-1].ID
	}
	groups := engine.GroupsOf(picked)
	var firsts []store.Review
	for _, g := range groups {
		firsts = append(firsts, g.First)
	}
	names, err := c.namerOf(r.Context(), firsts)
	if err != nil {
		return err
	}
	for _, g := range groups {
		group := manyGroup{Sync: g.First.Sync, Kind: g.First.Kind, Field: keyName(g.First.Field), Cause: g.Cause(), N: len(g.Items), First: p.Filter.Item(g.First.ID)}
		group.Sides, group.Conflict = names.sides(g.First)
		p.Groups = append(p.Groups, group)
	}
	return c.view.page(w, r, "review_many", p)
}

// decideMany decides many items in one transaction. The next run of their syncs acts on it.
func (c *console) decideMany(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return invalid("error.choice")
	}
	p, items, err := c.chosenMany(r)
	if err != nil {
		return err
	}
	choices, _ := engine.ChooseMany(items, p.Word.Word)
	note(r, strconv.Itoa(len(choices))+" review items", p.Word.Word)
	if len(choices) == 0 {
		return invalid("error.nomany")
	}
	decided, err := c.hub.Store().DecideReviews(r.Context(), choices, visitOf(r).who.Name, c.now())
	if err != nil {
		return c.asked(err)
	}
	note(r, strconv.Itoa(len(decided))+" review items", p.Word.Word)
	switch {
	case len(decided) == 0:
		return errSettled()
	case len(decided) < len(choices):
		return c.redirect(w, p.Filter.address("/review"), "decidedrest")
	}
	return c.redirect(w, p.Filter.address("/review"), "decidedmany")
}
