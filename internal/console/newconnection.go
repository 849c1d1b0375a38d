package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/plan"
)

type newConnectionPage struct {
	Systems  []connector.Spec // to choose from, if none is chosen
	Form     specForm
	Adopted  bool
	Again    bool        // secrets were typed that have to be typed once more
	Problems []wrongPart // of what is not in the form
	YAML     string      // what to put into the configuration by hand; "" = nothing has to be
	Env      []envLine
	Title    string
	Notes    []string
	Docs     string
}

// newConnection shows the form for a system.
func (c *console) newConnection(w http.ResponseWriter, r *http.Request) error {
	data, err := c.newConnectionPage(r, r.URL.Query().Get("system"))
	if err != nil {
		return err
	}
	data.Form.Name.Value = freeName(data.Form.System, c.taken)
	return c.view.page(w, r, "newconnection", data)
}

// newConnectionPage is the page of a system, or the choice of one.
func (c *console) newConnectionPage(r *http.Request, system string) (newConnectionPage, error) {
	spec, known := c.specOf(system)
	if !known {
		return newConnectionPage{Systems: c.hub.Specs()}, nil
	}
	now, err := c.hub.Configuration(r.Context())
	return newConnectionPage{Form: newSpecForm(spec), Adopted: now.Adopted, Title: spec.Title, Notes: spec.Notes, Docs: spec.Docs}, err
}

// addConnection does what the API does with the same wish, and goes to the connection's page. While
// the file counts, it is adopted if the person wants that, or the entry is shown.
func (c *console) addConnection(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return invalid("error.choice")
	}
	data, err := c.newConnectionPage(r, r.PostForm.Get("system"))
	if err != nil {
		return err
	}
	if data.Form.System == "" {
		return c.view.again(w, r, invalid("error.choice"), "newconnection", data)
	}
	wish := data.Form.wish(r.PostForm)
	data.Again = len(wish.Secrets) > 0
	if r.PostForm.Get("act") == "show" {
		wish.Preview, wish.Secrets = true, nil // nothing is kept of what is only shown
	}
	form, out, err := c.add(r.Context(), wish, r.PostForm.Get("act") == "adopt")
	if err != nil {
		return c.againConnection(w, r, data, form, err)
	}
	if out.Saved {
		return c.redirect(w, address("/connections/new/saved", nil, "name", out.Connection), "")
	}
	data.Form = form
	if err := data.show(); err != nil {
		return err
	}
	return c.view.page(w, r, "newconnection", data)
}

// wish is what somebody has typed into the form.
func (f specForm) wish(v url.Values) connectWish {
	w := connectWish{System: f.System, Name: strings.TrimSpace(v.Get("name")), URL: v.Get("url"), Way: v.Get("way"), Settings: map[string]string{}, Secrets: map[string]string{}}
	keys := slices.Clone(f.Keys)
	for _, way := range f.Ways {
		keys = append(keys, way.Key)
		if way.OAuth && v.Get(connector.ClientID) != "" {
			w.Settings[connector.ClientID] = v.Get(connector.ClientID)
		}
	}
	for _, field := range f.Fields {
		if x := v.Get(field.Name); !field.Secret && x != "" {
			w.Settings[field.Name] = x
		}
	}
	for _, k := range keys {
		if x := v.Get("secret-" + k.Name); x != "" {
			w.Secrets[k.Name] = x
		}
	}
	return w
}

// againConnection shows the form with what was typed but for the secrets, and at each field what is
// wrong with it.
func (c *console) againConnection(w http.ResponseWriter, r *http.Request, data newConnectionPage, form specForm, err error) error {
	if errors.Is(err, ErrNoKey) {
		err = invalid("error.noseal")
	}
	p, told := errors.AsType[*problem](err)
	if !told || p.status != http.StatusUnprocessableEntity || form.System == "" {
		return err
	}
	data.Form = form
	data.Problems = data.Form.say(p.wrong)
	say := invalid(p.key)
	switch {
	case len(p.wrong) > 0 && len(data.Problems) == 0:
		say.key = "error.form"
	case p.detail != "": // there is no room for it
		say.key = "error.noplace"
		if err := data.show(); err != nil {
			return err
		}
	}
	return c.view.again(w, r, say, "newconnection", data)
}

// say puts what is wrong to the fields, and returns what is about none of them.
func (f *specForm) say(wrong []wrongPart) (rest []wrongPart) {
	fields := map[string]*string{"name": &f.Name.Said, "url": &f.URL.Said}
	for i := range f.Fields {
		fields["settings."+f.Fields[i].Name] = &f.Fields[i].Said
	}
	for i := range f.Ways {
		fields["settings."+connector.ClientID] = &f.Ways[f.Way].ClientID.Said
		fields["secrets."+f.Ways[i].Setting] = &f.Ways[i].Key.Said
	}
	for i := range f.Keys {
		fields["secrets."+f.Keys[i].Name] = &f.Keys[i].Said
	}
	for _, x := range wrong {
		if said := fields[strings.TrimPrefix(x.Where, "body.")]; said != nil {
			*said = x.What
		} else {
			rest = append(rest, x)
		}
	}
	return rest
}

// show adds what is to be put into the file by hand, with the secrets in the environment.
func (p *newConnectionPage) show() (err error) {
	for _, x := range p.Form.secrets() {
		p.Env = append(p.Env, envLine{plan.EnvName(p.Form.System, x.Name), x.Help})
	}
	p.YAML, err = p.Form.document()
	return err
}

// showConnected waits until the configuration with the new connection is served: then it can be tested.
func (c *console) showConnected(w http.ResponseWriter, r *http.Request) error {
	name := r.URL.Query().Get("name")
	if !connectionName.MatchString(name) {
		return errNotFound()
	}
	data := savedPage{Name: name, Connection: true, Served: c.taken(name)}
	if !data.Served {
		return c.await(w, r, data)
	}
	return c.view.page(w, r, "newsaved", data)
}
