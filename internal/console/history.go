package console

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
)

type historyPage struct {
	Syncs       []string
	Connections []string
	Kinds       []store.EntryKind

	Record, Field, Run, Sync, By, Connection, Kind, Since string // as entered
	Lost                                                  bool   // only what lost: overruled, deleted, archived

	Filtered bool
	RunName  string // of the one run that is shown; "" = it is not one
	Journal  journal
}

// showHistory is the journal, by whatever one looks for.
func (c *console) showHistory(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	field := func(name string) string { return strings.TrimSpace(query.Get(name)) }
	data := historyPage{Kinds: entryKinds(), Record: field("record"), Field: field("field"), Run: field("run"), Sync: field("sync"), By: field("by"),
		Connection: field("connection"), Kind: field("kind"), Since: field("since"), Lost: field("lost") != ""}
	p := c.hub.Plan()
	for _, sync := range p.Syncs {
		data.Syncs = append(data.Syncs, sync.Name)
	}
	for _, connection := range p.Connections {
		data.Connections = append(data.Connections, connection.Name)
	}
	h, err := c.historyQuery(&data)
	if err != nil {
		data.Journal.Form = formToken(visitOf(r).secret)
		return c.view.again(w, r, err, "history", data)
	}
	more := url.Values{"record": {data.Record}, "field": {data.Field}, "run": {data.Run}, "sync": {data.Sync}, "by": {data.By},
		"connection": {data.Connection}, "kind": {data.Kind}, "since": {data.Since}, "lost": {field("lost")}}
	data.Filtered = address("", more) != ""
	journal, fail := c.journal(r, h, "/history", more)
	if fail != nil {
		return fail
	}
	data.Journal = journal
	return c.view.page(w, r, "history", data)
}

// historyQuery understands what was entered.
func (c *console) historyQuery(data *historyPage) (store.HistoryQuery, *problem) {
	p := c.hub.Plan()
	h := store.HistoryQuery{Connection: data.Connection, Sync: data.Sync, Field: data.Field, By: data.By}
	if data.Record != "" {
		of, id, ok := engine.ParseRecord(data.Record)
		if !ok {
			return h, invalid("error.record")
		}
		h.Connection, h.Object, h.Record = of.Connection, of.Name, id
	}
	if data.Run != "" {
		id, ok := engine.ParseRun(data.Run)
		if !ok {
			return h, invalid("error.run")
		}
		h.Run, data.RunName = id, data.Run
	}
	if data.Kind != "" {
		if !slices.Contains(data.Kinds, store.EntryKind(data.Kind)) {
			return h, invalid("error.choice")
		}
		h.Kinds = []store.EntryKind{store.EntryKind(data.Kind)}
	}
	var err error
	if h.Since, err = engine.ParseSince(data.Since, c.now(), p.Timezone); err != nil {
		return h, invalid("error.since")
	}
	if data.Lost {
		h.Kinds = slices.DeleteFunc(store.LostKinds(), func(k store.EntryKind) bool { return data.Kind != "" && string(k) != data.Kind })
		if len(h.Kinds) == 0 {
			return h, invalid("error.lost")
		}
		if kept := c.now().Add(-p.KeepOverruled); h.Since.Before(kept) {
			h.Since = kept
		}
	}
	return h, nil
}
