package console

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

type recordPage struct {
	Of      store.Object
	ID      string
	Name    string // "erp.contacts/12"
	Title   string // what people call it; "" = nobody knows
	Known   bool   // the mirror has it
	Row     store.Row
	Values  []journalField // all that was read of it
	Syncs   []recordSync
	Journal journal
}

// A recordSync is a record in one sync: how it stands, and why.
type recordSync struct {
	engine.Why
	State   string    // a key of the catalogues below "why."
	Names   [2]string // of both records; "" = there is none
	Links   [2]string // to their pages
	Reasons []engine.WhyReason
	Fields  []recordField
}

// A recordField is a field that a sync keeps in step, with its values at both ends.
type recordField struct {
	engine.WhyField
	State  string // a key of the catalogues below "field."
	Names  [2]string
	Values [2]record.Value
}

func (c *console) showRecord(w http.ResponseWriter, r *http.Request) error {
	of := store.Object{Connection: r.PathValue("connection"), Name: r.PathValue("object")}
	data := recordPage{Of: of, ID: r.PathValue("id")}
	data.Name = of.String() + "/" + data.ID
	rows, err := c.hub.Store().Rows(r.Context(), of, []string{data.ID})
	if err != nil {
		return err
	}
	if data.Row, data.Known = rows[data.ID]; data.Known {
		for _, name := range data.Row.Fields.Names() {
			data.Values = append(data.Values, journalField{name, data.Row.Fields[name]})
		}
	}
	h := store.HistoryQuery{Connection: of.Connection, Object: of.Name, Record: data.ID}
	if data.Journal, err = c.journal(r, h, recordPath(of, data.ID), nil); err != nil {
		return err
	}
	if !data.Known && len(data.Journal.Lines) == 0 && data.Journal.Newest == "" {
		return errNotFound()
	}
	if err := c.hub.Look(r.Context(), data.explain); err != nil {
		return err
	}
	return c.view.page(w, r, "record", data)
}

// explain says of every sync why the record stands as it does in it.
func (d *recordPage) explain(ctx context.Context, e *engine.Engine) error {
	all, err := e.Why(ctx, d.Of, d.ID, "")
	if err != nil {
		return err
	}
	for _, y := range all {
		if y.Title != "" {
			d.Title = y.Title
		}
		other := engine.Why{}
		if of, id, ok := engine.ParseRecord(y.Partner); ok {
			there, err := e.Why(ctx, of, id, "")
			if err != nil {
				return err
			}
			if i := slices.IndexFunc(there, func(o engine.Why) bool { return o.Sync == y.Sync && o.Side != y.Side }); i >= 0 {
				other = there[i]
			}
		}
		d.Syncs = append(d.Syncs, inSync(y, other))
	}
	return nil
}

// inSync puts what is known of a record and of its partner side by side.
func inSync(y, other engine.Why) recordSync {
	s := recordSync{Why: y, State: keyOf(y.State), Reasons: y.Reasons}
	s.Names[y.Side], s.Links[y.Side] = y.Of.String()+"/"+y.ID, recordPath(y.Of, y.ID)
	if other.Sync != "" {
		s.Names[other.Side], s.Links[other.Side] = other.Of.String()+"/"+other.ID, recordPath(other.Of, other.ID)
	}
	for _, f := range y.Fields {
		x := recordField{WhyField: f, State: keyOf(f.State)}
		x.Names[y.Side], x.Values[y.Side] = f.Field, f.Value
		if i := slices.IndexFunc(other.Fields, func(o engine.WhyField) bool { return o.Key == f.Key }); i >= 0 {
			x.Names[other.Side], x.Values[other.Side] = other.Fields[i].Field, other.Fields[i].Value
			if x.WhyField.State == "agreed" && other.Fields[i].State != "agreed" {
				x.State, x.Reason = keyOf(other.Fields[i].State), other.Fields[i].Reason
			}
		}
		s.Fields = append(s.Fields, x)
	}
	for _, f := range other.Fields { // that only the other end has
		if !slices.ContainsFunc(y.Fields, func(o engine.WhyField) bool { return o.Key == f.Key }) {
			x := recordField{WhyField: f, State: keyOf(f.State)}
			x.Names[other.Side], x.Values[other.Side] = f.Field, f.Value
			s.Fields = append(s.Fields, x)
		}
	}
	return s
}

// keyOf makes a key of a state: "under way" is underway.
func keyOf(state string) string { return strings.ReplaceAll(state, " ", "") }

// recordStates and fieldStates are those that the engine knows, as keys.
func recordStates() []string {
	return []string{"linked", "alone", "underway", "gone", "unknown"}
}

func fieldStates() []string {
	return []string{"agreed", "changed", "differs", "refused", "unconfirmed", "neveragreed", "unknown"}
}
