package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
)

// addSync writes the sync of the form down: into the adopted configuration, or to be put into the
// file by hand.
func (c *console) addSync(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return invalid("error.choice")
	}
	form := r.PostForm
	data, resolved, err := c.newSyncPage(r, form)
	if err != nil {
		return err
	}
	note(r, cutTo(form.Get("name"), 64), "")
	if !data.Chosen || resolved == nil {
		return c.view.again(w, r, invalid("error.ends"), "newsync", data)
	}
	if !data.take(form) {
		return c.view.again(w, r, invalid("error.choice"), "newsync", data)
	}
	_, taken := c.hub.Plan().Sync(data.Name)
	if taken || !plan.IsSyncName(data.Name) || data.Name == "new" { // which is this page's address
		return c.view.again(w, r, invalid("error.syncname"), "newsync", data)
	}
	return c.writeSync(w, r, data)
}

func (c *console) writeSync(w http.ResponseWriter, r *http.Request, data newSyncPage) error {
	sync := data.sync()
	if len(sync.Fields) == 0 && !data.everything() {
		return c.view.again(w, r, invalid("error.nofields"), "newsync", data)
	}
	now, err := c.hub.Configuration(r.Context())
	if err != nil {
		return err
	}
	adopts := !now.Adopted && r.PostFormValue("adopt") == "1"
	if adopts {
		now.Text = now.FileText
	}
	text, err := plan.AddSync([]byte(now.Text), sync)
	if err != nil {
		data.Fragment = sync.YAML(2)
		return c.view.again(w, r, invalid("error.noroom"), "newsync", data)
	}
	p, problems, err := c.hub.CheckConfiguration(r.Context(), string(text))
	if err != nil {
		return err
	}
	if p == nil || problems.HasErrors() {
		data.Problems = problems
		return c.view.again(w, r, invalid("error.configuration"), "newsync", data)
	}
	if adopts {
		if now, err = c.adoptAs(r.Context(), now.Text); err != nil {
			return err
		}
	}
	switch {
	case !now.Adopted:
		data.Fragment = sync.YAML(2)
		return c.view.page(w, r, "newsync", data)
	case now.Edited:
		return c.view.again(w, r, invalid("error.edited"), "newsync", data)
	}
	// Nothing is written before somebody has seen what it would be: it begins from its plan.
	if err := c.hub.Store().PauseSync(r.Context(), store.Pause{Sync: sync.Name, By: visitOf(r).who.Name, At: c.now()}); err != nil {
		return err
	}
	if err := c.saveConfiguration(r.Context(), now.Current.Number, string(text), "+ "+sync.Name); err != nil {
		return errors.Join(err, c.hub.Resume(r.Context(), sync.Name))
	}
	note(r, sync.Name, "")
	return c.redirect(w, address("/syncs/new/saved", nil, "name", sync.Name), "")
}

// adoptAs takes the file over, if it still is the text that was worked with.
func (c *console) adoptAs(ctx context.Context, text string) (Configuration, error) {
	if _, err := c.hub.AdoptFile(ctx, visitIn(ctx).who.Name, ""); err != nil {
		return Configuration{}, c.asked(err)
	}
	now, err := c.hub.Configuration(ctx)
	if err == nil && now.Text != text {
		err = invalid("error.outdated")
	}
	return now, err
}

// take reads what was entered into the page; false if it is none of the choices.
func (p *newSyncPage) take(form url.Values) bool {
	p.Name, p.Schedule = strings.TrimSpace(form.Get("name")), form.Get("schedule")
	p.Direction, p.Prefer, p.Delete = form.Get("direction"), form.Get("prefer"), form.Get("delete")
	ok := slices.Contains(p.Directions(), p.Direction) && slices.Contains(p.Preferences(), p.Prefer) &&
		slices.Contains(p.Policies(), p.Delete) && slices.Contains(p.Schedules(), p.Schedule)
	for i := range p.Keys {
		p.Keys[i].On = slices.Contains(form["key"], p.Keys[i].Value())
	}
	for i := range p.Fields {
		f := &p.Fields[i]
		f.On = slices.Contains(form["field"], strconv.Itoa(i))
		if d := form.Get(fmt.Sprintf("direction-%d", i)); f.On && d != "" {
			ok = ok && slices.Contains(f.Can, d)
			f.Direction = d
		}
	}
	for i := range p.More {
		ok = p.takeMore(form, i) && ok
	}
	return ok
}

// takeMore reads one row in which a further pair of fields was chosen.
func (p *newSyncPage) takeMore(form url.Values, i int) bool {
	more := &p.More[i]
	left, right := form.Get(fmt.Sprintf("left-%d", i)), form.Get(fmt.Sprintf("right-%d", i))
	if left == "" && right == "" {
		return true
	}
	more.On, more.Direction = true, form.Get(fmt.Sprintf("more-%d", i))
	found := 0
	for _, f := range p.All[0] {
		if f.Name == left {
			more.Left = f
			found++
		}
	}
	for _, f := range p.All[1] {
		if f.Name == right {
			more.Right = f
			found++
		}
	}
	return found == 2 && slices.Contains(more.Can, more.Direction)
}

// everything reports whether all common fields were left as they were proposed, and none added.
func (p *newSyncPage) everything() bool {
	for _, f := range p.Fields {
		if !f.On || len(f.Can) > 1 && f.Direction != bothWays {
			return false
		}
	}
	return len(p.Fields) > 0 && !slices.ContainsFunc(p.More, func(f fieldChoice) bool { return f.On })
}

// sync is what was entered.
func (p *newSyncPage) sync() plan.NewSync {
	n := plan.NewSync{Name: p.Name, Ends: [2]plan.Endpoint{endpointOf(p.Left), endpointOf(p.Right)}, Direction: p.Direction, Prefer: p.Prefer, Delete: p.Delete, Schedule: p.Schedule}
	for _, k := range p.Keys {
		if k.On {
			n.Match = append(n.Match, [2]string{k.Left, k.Right})
		}
	}
	if p.everything() {
		return n
	}
	for _, f := range append(slices.Clone(p.Fields), p.More...) {
		if !f.On || len(f.Can) == 1 && p.Direction != bothWays && f.Direction != p.Direction {
			continue // it could only flow against the sync
		}
		entry := plan.NewField{Left: f.Left.Name, Right: f.Right.Name}
		if f.Direction != p.Direction && (p.Direction == bothWays || f.Direction != bothWays) {
			entry.Direction = f.Direction
		}
		n.Fields = append(n.Fields, entry)
	}
	return n
}

type savedPage struct {
	Name       string
	Served     bool // the process works by it: it can be planned, or tested
	Connection bool // and no sync
}

// showSaved waits until the configuration with the new sync is served.
func (c *console) showSaved(w http.ResponseWriter, r *http.Request) error {
	data := savedPage{Name: r.URL.Query().Get("name")}
	if !plan.IsSyncName(data.Name) {
		return errNotFound()
	}
	if _, data.Served = c.hub.Plan().Sync(data.Name); !data.Served {
		return c.await(w, r, data)
	}
	return c.view.page(w, r, "newsaved", data)
}

// await has the page look again by itself until what was saved is served, or refused.
func (c *console) await(w http.ResponseWriter, r *http.Request, data savedPage) error {
	now, err := c.hub.Configuration(r.Context())
	if err != nil {
		return err
	}
	if now.Refused != "" {
		return c.redirect(w, "/settings/configuration", "")
	}
	w.Header().Set("Refresh", "1")
	return c.view.page(w, r, "newsaved", data)
}
