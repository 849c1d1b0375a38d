package console

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

const (
	journalLines = 50 // on a page
	mostFields   = 8  // of a record that are shown in a line
)

// A journal is a part of the journal on a page; the template "lines" shows it.
type journal struct {
	Lines  []journalLine
	Form   string // of the session, for what is chosen and taken back
	Revert bool   // whoever looks may take back
	Sought bool   // it is not certain that there is no more: the search goes on at Older
	Older  string // the next page; "" = there is none
	Newest string // the first page, from another one; "" = this is it
}

// A journalLine is one line of it.
type journalLine struct {
	store.Entry
	RunName string // "" = no run
	Name    string // of the record; "" = the line is about none
	Link    string // to the record's page; "" = it has none
	Can     bool   // it can be taken back
	Fields  []journalField
	More    int  // fields that are not shown
	Told    bool // the reason names the person already
	Decided *decidedView
}

type journalField struct {
	Name  string
	Value record.Value
}

// A decidedView is what a person decided: the question, and the answer to it.
type decidedView struct {
	Kind   store.ReviewKind
	Choice choiceView
}

// decidedOf reads the reason of a line, such as "conflict: left"; nil if it is no such line.
func decidedOf(e store.Entry) *decidedView {
	kind, word, ok := strings.Cut(e.Why, ": ")
	if e.Kind != store.Decided || !ok || !slices.Contains(engine.ReviewKinds(), store.ReviewKind(kind)) {
		return nil
	}
	d := decidedView{Kind: store.ReviewKind(kind), Choice: choiceView{Word: word}}
	d.Choice.Text = choiceText(d.Kind, word)
	return &d
}

// journal returns a page of the journal; more is the query of the page that it is on.
func (c *console) journal(r *http.Request, h store.HistoryQuery, path string, more url.Values) (journal, error) {
	before, err := cursor(r)
	if err != nil {
		return journal{}, err
	}
	h.Limit = journalLines
	list, next, err := c.hub.Store().Journal(r.Context(), h, before)
	if err != nil {
		return journal{}, err
	}
	v := visitOf(r)
	j := journal{Form: formToken(v.secret), Revert: v.who.Can("revert"), Sought: next != 0 && len(list) < h.Limit}
	for _, e := range list {
		j.Lines = append(j.Lines, lineOf(e))
	}
	if next != 0 {
		j.Older = address(path, more, "before", strconv.FormatInt(next, 10))
	}
	if before != 0 {
		j.Newest = address(path, more)
	}
	return j, nil
}

func lineOf(e store.Entry) journalLine {
	line := journalLine{Entry: e, Can: engine.TakesBack(e.Kind)}
	line.Told = e.By != "" && strings.HasSuffix(e.Why, "by "+e.By)
	if e.Kind == store.Decided {
		line.Decided, line.Field = decidedOf(e), keyName(e.Field)
	}
	if e.Run != 0 {
		line.RunName = engine.RunName(e.Run)
	}
	if e.Of != (store.Object{}) {
		line.Name, line.Link = e.Of.String()+"/"+e.Record, recordPath(e.Of, e.Record)
	}
	for _, name := range e.Set.Names() {
		switch {
		case e.Set[name].IsEmpty():
		case len(line.Fields) == mostFields:
			line.More++
		default:
			line.Fields = append(line.Fields, journalField{name, e.Set[name]})
		}
	}
	return line
}

// cursor reads where a page begins; 0 = at the newest.
func cursor(r *http.Request) (int64, error) {
	text := r.URL.Query().Get("before")
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 {
		return 0, errNotFound()
	}
	return n, nil
}

// address is a path with a query, to which a name and its value may be added.
func address(path string, query url.Values, pair ...string) string {
	all := url.Values{}
	for name, values := range query {
		if len(values) > 0 && values[0] != "" {
			all[name] = values
		}
	}
	if len(pair) == 2 {
		all.Set(pair[0], pair[1])
	}
	if len(all) == 0 {
		return path
	}
	return path + "?" + all.Encode()
}

func recordPath(of store.Object, id string) string {
	return "/records/" + url.PathEscape(of.Connection) + "/" + url.PathEscape(of.Name) + "/" + url.PathEscape(id)
}

func runPath(id int64) string { return "/runs/" + engine.RunName(id) }

// entryKinds are the kinds of lines, in the order in which one can choose among them.
func entryKinds() []store.EntryKind {
	return []store.EntryKind{store.Written, store.Created, store.Linked, store.Agreed, store.Overruled, store.Decided, store.Rewritten, store.Refused,
		store.Deleted, store.Archived, store.Restored, store.Folded, store.Closed, store.Reopened, store.Unmapped, store.Told}
}
