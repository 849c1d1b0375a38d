package console

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/door"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest/grant"
)

type connectionsPage struct {
	Connections []connectionView
	Objects     map[string]int // of each, in the mirror
}

type connectionPage struct {
	View      connectionView
	Identity  connector.Identity
	Facts     []fact
	Objects   []objectLine
	Hook      string // where its vendor calls; "" for who may not know, or if it does not
	HookHelp  string
	Notes     []string
	Abilities []string
	OAuth     bool
	Agree     string // where a person can agree now; "" unless they have just asked
	Back      string // the address to which the vendor sends them back
	Checked   *checkedView
	Secrets   []string // that are sealed, and that it uses
}

type fact struct{ Name, Value string }

// An objectLine is one object of a connection.
type objectLine struct {
	record.Object
	Of    store.Object
	State store.ObjectState
	Kept  bool // the mirror has it
}

// Path is the address of the object's page.
func (o objectLine) Path() string { return objectPath(o.Of) }

func objectPath(of store.Object) string {
	return "/connections/" + pathEscape(of.Connection) + "/" + pathEscape(of.Name)
}

// A checkedView is what a test of a connection has found.
type checkedView struct {
	engine.Checked
	Wrong  string // what its vendor said; "" = it can be used
	Remedy string
	Added  []engine.Added // what was made before, or could not be
}

// CanMake reports whether the vendor can make a field that is missing.
func (v checkedView) CanMake() bool {
	return slices.ContainsFunc(v.Missing, func(m engine.MissingField) bool { return m.Can })
}

func (c *console) showConnections(w http.ResponseWriter, r *http.Request) error {
	views, err := c.connectionViews(r.Context())
	if err != nil {
		return err
	}
	objects, err := c.hub.Store().Objects(r.Context())
	if err != nil {
		return err
	}
	data := connectionsPage{Connections: views, Objects: map[string]int{}}
	for of, state := range objects {
		if state.Present > 0 {
			data.Objects[of.Connection]++
		}
	}
	return c.view.page(w, r, "connections", data)
}

func (c *console) showConnection(w http.ResponseWriter, r *http.Request) error {
	data, err := c.connection(r)
	if err != nil {
		return err
	}
	return c.view.page(w, r, "connection", data)
}

// connection loads the page of the connection that a request's path names.
func (c *console) connection(r *http.Request) (connectionPage, error) {
	var data connectionPage
	ctx, name := r.Context(), r.PathValue("name")
	views, err := c.connectionViews(ctx)
	if err != nil {
		return data, err
	}
	i := slices.IndexFunc(views, func(v connectionView) bool { return v.Connection.Connection == name })
	if i < 0 {
		return data, errNotFound()
	}
	data.View = views[i]
	known, _, err := c.hub.Store().Connection(ctx, name)
	if err != nil {
		return data, err
	}
	data.Identity = known.Identity
	for _, key := range slices.Sorted(maps.Keys(known.Identity.Facts)) {
		data.Facts = append(data.Facts, fact{key, known.Identity.Facts[key]})
	}
	if data.Objects, err = c.objectLines(ctx, name, known.Schema); err != nil {
		return data, err
	}
	data.Back = c.back(r, name)
	data.OAuth = data.View.Grant != nil
	conn, _ := c.hub.Plan().Connection(name)
	data.Secrets = slices.Compact(slices.Sorted(maps.Values(conn.Vaulted)))
	return data, c.aboutSystem(r, &data)
}

// objectLines are the objects of a connection, as it was last asked, the largest first.
func (c *console) objectLines(ctx context.Context, connection string, schema record.Schema) ([]objectLine, error) {
	states, err := c.hub.Store().Objects(ctx)
	if err != nil {
		return nil, err
	}
	var all []objectLine
	for _, o := range schema.Objects {
		line := objectLine{Object: o, Of: store.Object{Connection: connection, Name: o.Name}}
		line.State, line.Kept = states[line.Of]
		all = append(all, line)
	}
	slices.SortStableFunc(all, func(a, b objectLine) int { return b.State.Present - a.State.Present })
	return all, nil
}

// aboutSystem adds what its system says about the connection.
func (c *console) aboutSystem(r *http.Request, data *connectionPage) error {
	name := data.View.Connection.Connection
	conn, _ := c.hub.Plan().Connection(name)
	spec, known := c.specOf(conn.System)
	if !known {
		return nil
	}
	data.Notes, data.HookHelp = spec.Notes, spec.Door.Help
	data.Abilities = abilitiesOf(spec, conn.Settings, conn.Secrets, conn.URL)
	if data.View.Hooks == nil || c.hub.Plan().PublicURL == "" || !visitOf(r).who.Can(account.Configure) {
		return nil
	}
	d, found, err := c.hub.Store().Door(r.Context(), name)
	if found {
		data.Hook = door.Address(c.hub.Plan().PublicURL, name, d.Key)
	}
	return err
}

// testConnection asks the vendor who we are there, what we may do and what there is.
func (c *console) testConnection(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	if _, found := c.hub.Plan().Connection(name); !found {
		return errNotFound()
	}
	note(r, name, "")
	var found []engine.Checked
	err := c.hub.Borrow(r.Context(), func(ctx context.Context, e *engine.Engine) (err error) {
		found, err = e.Check(ctx, []string{name})
		return err
	})
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return &problem{status: http.StatusServiceUnavailable, key: "error.busy"}
	case err != nil:
		return c.asked(err)
	}
	return c.showChecked(w, r, found, nil)
}

// showChecked shows what a test of a connection has found, and which fields were made before it.
func (c *console) showChecked(w http.ResponseWriter, r *http.Request, found []engine.Checked, added []engine.Added) error {
	data, err := c.connection(r)
	if err != nil {
		return err
	}
	if len(found) > 0 {
		data.Checked = &checkedView{Checked: found[0], Added: added}
		if found[0].Err != nil {
			e := connector.ErrorOf(found[0].Err)
			data.Checked.Wrong, data.Checked.Remedy = found[0].Err.Error(), e.Fix
			note(r, r.PathValue("name"), "refused: "+string(e.Kind))
		}
	}
	return c.view.page(w, r, "connection", data)
}

// addFields has a connection's vendor make the fields that syncs name and it lacks, where its API
// allows, and tests the connection anew.
func (c *console) addFields(ctx context.Context, name string) (found []engine.Checked, added []engine.Added, err error) {
	noteIn(ctx, name, "")
	err = c.borrow(ctx, func(ctx context.Context, e *engine.Engine) (err error) {
		if added, err = e.AddFields(ctx, []string{name}); err == nil {
			found, err = e.Check(ctx, []string{name})
		}
		return err
	})
	if err == nil {
		noteIn(ctx, name, madeOf(added))
	}
	return found, added, err
}

// madeOf names the fields that were made.
func madeOf(added []engine.Added) string {
	var names []string
	for _, a := range added {
		if a.Err == nil {
			names = append(names, a.Object+"."+a.Field.Name)
		}
	}
	return cutTo(strings.Join(names, ", "), 200)
}

func (c *console) makeFields(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	if _, known := c.hub.Plan().Connection(name); !known {
		return errNotFound()
	}
	found, added, err := c.addFields(r.Context(), name)
	if err != nil {
		return c.apiError(err, r)
	}
	return c.showChecked(w, r, found, added)
}

// pauseConnection keeps all syncs of a connection from running by themselves.
func (c *console) pauseConnection(w http.ResponseWriter, r *http.Request) error {
	err := c.eachSync(r, func(ctx context.Context, sync string) error { return c.hub.Pause(ctx, sync, visitOf(r).who.Name) })
	if err != nil {
		return err
	}
	return c.redirect(w, connectionPath(r), "connectionpaused")
}

func (c *console) resumeConnection(w http.ResponseWriter, r *http.Request) error {
	if err := c.eachSync(r, c.hub.Resume); err != nil {
		return err
	}
	return c.redirect(w, connectionPath(r), "connectionresumed")
}

// connectionPath is the page of the connection that a request's path names.
func connectionPath(r *http.Request) string { return "/connections/" + pathEscape(r.PathValue("name")) }

// eachSync does something to all syncs of a connection.
func (c *console) eachSync(r *http.Request, act func(context.Context, string) error) error {
	name := r.PathValue("name")
	if _, found := c.hub.Plan().Connection(name); !found {
		return errNotFound()
	}
	note(r, name, "")
	for _, sync := range syncsAt(c.hub.Plan(), name) {
		if err := act(r.Context(), sync); err != nil {
			return err
		}
	}
	return nil
}

// An asking is somebody's way through a vendor's pages, to agree to a connection.
type asking struct {
	request *grant.Request
	session int64 // that has begun it; 0 = a token of the person has, and any browser of theirs may end it
	person  int64
	at      time.Time
}

// askings are those that are under way: one for each connection, the last.
type askings struct {
	mu  sync.Mutex
	all map[string]asking
}

func (a *askings) begin(connection string, x asking) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all[connection] = x
}

// of returns what somebody who is signed in has begun.
func (a *askings) of(connection string, who account.Principal, now time.Time) (*grant.Request, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	x, known := a.all[connection]
	own := x.session == who.Session || x.session == 0 && x.person == who.ID
	return x.request, known && own && now.Sub(x.at) <= awayFor
}

func (a *askings) end(connection string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.all, connection)
}

// grantOf returns what a person granted a connection.
func (c *console) grantOf(ctx context.Context, connection string) (*grant.Grant, error) {
	grants, err := c.hub.Grants(ctx)
	if err != nil {
		return nil, err
	}
	if g := grants[connection]; g != nil {
		return g, nil
	}
	return nil, errNotFound()
}

// authorizeConnection begins the way to the vendor. The page shows a link: a form of ours cannot
// lead to another site (form-action of the headers).
func (c *console) authorizeConnection(w http.ResponseWriter, r *http.Request) error {
	begun, err := c.authorize(r, r.PathValue("name"))
	if err != nil {
		return err
	}
	data, err := c.connection(r)
	if err != nil {
		return err
	}
	data.Agree = begun.Address
	return c.view.page(w, r, "connection", data)
}

// back is the address to which a vendor sends a person back.
func (c *console) back(r *http.Request, connection string) string {
	return c.here(r) + "/oauth/" + pathEscape(connection)
}

// authorize begins the way to a vendor where a person agrees to a connection.
func (c *console) authorize(r *http.Request, connection string) (authorizeBody, error) {
	g, err := c.grantOf(r.Context(), connection)
	if err != nil {
		return authorizeBody{}, err
	}
	note(r, connection, "")
	out := authorizeBody{Connection: connection, Back: c.back(r, connection), Until: c.now().Add(awayFor)}
	request, err := g.Begin(out.Back)
	if err != nil {
		return out, &problem{status: http.StatusUnprocessableEntity, key: "error.authorize", args: []any{err}}
	}
	who := visitOf(r).who
	c.askings.begin(connection, asking{request: request, session: who.Session, person: who.ID, at: c.now()})
	out.Address = request.URL
	return out, nil
}

// finishAuthorize is where the vendor sends the person's browser back to.
func (c *console) finishAuthorize(w http.ResponseWriter, r *http.Request) error {
	g, err := c.grantOf(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	name := r.PathValue("name")
	note(r, name, "")
	request, known := c.askings.of(name, visitOf(r).who, c.now())
	if !known {
		return &problem{status: http.StatusBadRequest, key: "error.away"}
	}
	err = g.Finish(r.Context(), request, r.URL.Query())
	switch {
	case errors.Is(err, grant.ErrForeign):
		return &problem{status: http.StatusBadRequest, key: "error.away"}
	case err != nil:
		return &problem{status: http.StatusBadGateway, key: "error.authorize", args: []any{err}}
	}
	c.askings.end(name)
	return c.redirect(w, connectionPath(r), "authorized")
}

func (c *console) revokeConnection(w http.ResponseWriter, r *http.Request) error {
	if err := c.giveBack(r.Context(), r.PathValue("name")); err != nil {
		return err
	}
	return c.redirect(w, connectionPath(r), "takenback")
}

// giveBack gives back at the vendor what a person granted.
func (c *console) giveBack(ctx context.Context, connection string) error {
	g, err := c.grantOf(ctx, connection)
	if err != nil {
		return err
	}
	noteIn(ctx, connection, "")
	if err := g.Revoke(ctx); err != nil {
		return &problem{status: http.StatusBadGateway, key: "error.authorize", args: []any{err}}
	}
	return nil
}
