package console

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/plan"
)

type connectInput struct {
	Body connectWish
}

// A connectWish is a new connection: what the form of its system asks for.
type connectWish struct {
	System   string            `json:"system" doc:"its name in the catalogue of systems"`
	Name     string            `json:"name,omitempty" doc:"how the connection is called; a free one is taken if it is left out"`
	URL      string            `json:"url,omitempty" doc:"where requests go, if the system has no address of its own"`
	Way      string            `json:"way,omitempty" doc:"to authenticate; the first one of the system if it is left out"`
	Settings map[string]string `json:"settings,omitempty" maxProperties:"100"`
	Secrets  map[string]string `json:"secrets,omitempty" maxProperties:"20" doc:"sealed, and never shown again: takes the right secrets, too. Those that are left out are expected in the environment"`
	Preview  bool              `json:"preview,omitempty" doc:"only say what would be written"`
}

// A connectedBody is what became of a new connection.
type connectedBody struct {
	Connection string      `json:"connection"`
	Saved      bool        `json:"saved" doc:"it stands in the configuration, which is read again; else yaml is to be put into the file by hand"`
	Version    int         `json:"version,omitempty" doc:"of the configuration"`
	YAML       string      `json:"yaml"`
	Secrets    []placeBody `json:"secrets" doc:"where the secrets are"`
}

// A placeBody says where a secret is.
type placeBody struct {
	Setting string `json:"setting"`
	Place   string `json:"place" doc:"what the configuration says: ${NAME} for the environment, ${secret:NAME} for what is sealed"`
	Help    string `json:"help,omitempty"`
}

// form reads a wish as the form of its system does, and says of each part what is wrong with it.
func (c *console) form(ctx context.Context, w connectWish) (specForm, error) {
	spec, known := c.specOf(w.System)
	if !known {
		return specForm{}, c.noSystem(w.System)
	}
	form := newSpecForm(spec)
	values := url.Values{"name": {w.Name}, "url": {w.URL}, "way": {w.Way}}
	if w.Name == "" {
		values.Set("name", freeName(spec.Name, c.taken))
	}
	p := &problem{status: http.StatusUnprocessableEntity, key: "error.input"}
	wrong := func(where, key string) {
		p.wrong = append(p.wrong, wrongPart{Where: where, What: visitIn(ctx).locale.text(key)})
	}
	for _, name := range slices.Sorted(maps.Keys(w.Settings)) {
		if !form.takes(name) {
			wrong("body.settings."+name, "error.choice")
			continue
		}
		values.Set(name, w.Settings[name])
	}
	if w.Way != "" && !slices.ContainsFunc(form.Ways, func(a authWay) bool { return a.Setting == w.Way }) {
		wrong("body.way", "error.choice")
	}
	form.read(values, c.taken)
	for _, f := range []specField{form.Name, form.URL} {
		if f.Bad() {
			wrong("body."+f.Name, f.Wrong)
		}
	}
	fields := form.Fields
	if len(form.Ways) > 0 {
		fields = append(slices.Clone(fields), form.Ways[form.Way].ClientID)
	}
	for _, f := range fields {
		if f.Bad() {
			wrong("body.settings."+f.Name, f.Wrong)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.Secrets)) {
		if !slices.ContainsFunc(form.secrets(), func(x envLine) bool { return x.Name == name }) || badSecret(w.Secrets[name]) {
			wrong("body.secrets."+name, form.wrongSecret(name))
		}
	}
	if len(p.wrong) > 0 {
		return form, p
	}
	return form, nil
}

// takes reports whether a setting of that name is asked for in the open.
func (f specForm) takes(name string) bool {
	return slices.ContainsFunc(f.Fields, func(x specField) bool { return x.Name == name && !x.Secret }) ||
		slices.ContainsFunc(f.Ways, func(w authWay) bool { return w.OAuth && w.ClientID.Name == name })
}

// wrongSecret says what is wrong with a secret that is not taken.
func (f specForm) wrongSecret(name string) string {
	if slices.ContainsFunc(f.Ways, func(w authWay) bool { return w.Setting == name }) && f.Ways[f.Way].Setting != name {
		return "error.otherway"
	}
	return "error.value"
}

func badSecret(value string) bool {
	return strings.TrimSpace(value) == "" || len(value) > mostSecret || strings.ContainsFunc(value, unicode.IsControl)
}

const mostSecret = 64 << 10

// sealedName is how the secret of a connection is called.
func sealedName(connection, setting string) string { return connection + "_" + setting }

func (c *console) apiConnect(ctx context.Context, in *connectInput) (connectedBody, error) {
	_, out, err := c.add(ctx, in.Body, false)
	return out, err
}

// add adds a connection for a program or a person, and returns how its form was read. The file is
// adopted first if that is wanted and it is what counts.
func (c *console) add(ctx context.Context, w connectWish, adopts bool) (specForm, connectedBody, error) {
	noteIn(ctx, cutTo(w.Name, 64), cutTo(w.System, 64))
	if who := visitIn(ctx).who; len(w.Secrets) > 0 && !who.Can(account.Secrets) {
		return specForm{}, connectedBody{}, errForbidden(who, account.Secrets)
	}
	form, err := c.form(ctx, w)
	if err != nil {
		return form, connectedBody{}, err
	}
	name := form.Name.Value
	noteIn(ctx, name, form.System)
	from := func(setting string) string {
		if _, given := w.Secrets[setting]; given {
			return "${secret:" + sealedName(name, setting) + "}"
		}
		return form.inEnvironment(setting)
	}
	out := connectedBody{Connection: name, Secrets: []placeBody{}}
	for _, x := range form.secrets() {
		out.Secrets = append(out.Secrets, placeBody{Setting: x.Name, Place: from(x.Name), Help: x.Help})
	}
	if out.YAML, err = form.entry(from); err == nil && !w.Preview {
		out, err = c.connect(ctx, w, out, adopts)
	}
	if err == nil && !out.Saved {
		noteIn(ctx, name, form.System+": shown only")
	}
	return form, out, err
}

// connect writes a connection into the adopted configuration, and seals its secrets.
func (c *console) connect(ctx context.Context, w connectWish, out connectedBody, adopts bool) (connectedBody, error) {
	now, err := c.hub.Configuration(ctx)
	adopts = adopts && !now.Adopted
	switch {
	case err != nil:
		return out, err
	case adopts:
		now.Text = now.FileText
	case !now.Adopted && len(w.Secrets) > 0:
		return out, invalid("error.notadopted")
	case !now.Adopted:
		return out, nil
	}
	text, err := plan.AddConnection([]byte(now.Text), out.YAML)
	if err != nil {
		return out, uneditable(err)
	}
	if err := c.unused(ctx, out.Connection, w.Secrets); err != nil {
		return out, err
	}
	for setting, value := range w.Secrets { // first: the configuration cannot be used without them
		if err := c.hub.SetSecret(ctx, sealedName(out.Connection, setting), strings.TrimSpace(value)); err != nil {
			return out, err
		}
	}
	if now, err = c.writeConnection(ctx, now, string(text), out, adopts); err != nil {
		for setting := range w.Secrets {
			if _, err := c.hub.RemoveSecret(context.WithoutCancel(ctx), sealedName(out.Connection, setting)); err != nil {
				c.log.Error("a secret of a connection that was not added is left", "connection", out.Connection, "error", err)
			}
		}
		return out, err
	}
	noteIn(ctx, out.Connection, w.System)
	out.Saved, out.Version = true, now.Current.Number+1
	return out, nil
}

// unused refuses secrets under whose names others are sealed that something uses.
func (c *console) unused(ctx context.Context, connection string, secrets map[string]string) error {
	if len(secrets) == 0 {
		return nil
	}
	all, err := c.hub.Secrets(ctx)
	if err != nil {
		return err
	}
	p := invalid("error.input")
	for setting := range secrets {
		if slices.ContainsFunc(all, func(x Secret) bool {
			return x.Name == sealedName(connection, setting) && !x.Updated.IsZero() && len(x.Uses) > 0
		}) {
			p.wrong = append(p.wrong, wrongPart{Where: "body.secrets." + setting, What: visitIn(ctx).locale.text("error.secretused")})
		}
	}
	if len(p.wrong) > 0 {
		return p
	}
	return nil
}

// writeConnection saves the text with a new connection, and returns what it is the next version of.
func (c *console) writeConnection(ctx context.Context, now Configuration, text string, out connectedBody, adopts bool) (Configuration, error) {
	err := c.usable(ctx, text, out.placesIn(text))
	if err == nil && adopts {
		now, err = c.adoptAs(ctx, now.Text)
	}
	if err == nil {
		err = c.replace(ctx, now, text, "+ "+out.Connection)
	}
	return now, err
}

// placesIn says to which part of a wish a line of the document belongs that its entry was added to.
func (b connectedBody) placesIn(text string) func(line int) string {
	entry, all := trimmedLines(b.YAML), trimmedLines(text)
	first := 0
	for first+len(entry) < len(all) && !slices.Equal(all[first:first+len(entry)], entry) {
		first++
	}
	return func(line int) string {
		i := line - 1 - first
		if i < 0 || i >= len(entry) {
			return inLine(line)
		}
		key, _, _ := strings.Cut(entry[i], ":")
		switch {
		case i == 0:
			return "body.name"
		case key == "url" || key == "system":
			return "body." + key
		case slices.ContainsFunc(b.Secrets, func(x placeBody) bool { return x.Setting == key }):
			return "body.secrets." + key
		}
		return "body.settings." + key
	}
}

func trimmedLines(text string) []string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line)
	}
	return lines
}

// uneditable says why a document cannot be edited line by line.
func uneditable(err error) error {
	return &problem{status: http.StatusUnprocessableEntity, key: "error.configuration", detail: err.Error()}
}

// usable says what is wrong with a text, if it cannot be used, and where.
func (c *console) usable(ctx context.Context, text string, where func(line int) string) error {
	p, problems, err := c.hub.CheckConfiguration(ctx, text)
	if err == nil && (p == nil || problems.HasErrors()) {
		return unusableAt(problems, where)
	}
	return err
}

// editable says why a text cannot be the next version; nil = it can.
func (c *console) editable(ctx context.Context, now Configuration, text string) error {
	if err := c.usable(ctx, text, inLine); err != nil {
		return err
	}
	return replaceable(now)
}

func replaceable(now Configuration) error {
	switch {
	case !now.Adopted:
		return invalid("error.notadopted")
	case now.Edited:
		return invalid("error.edited")
	}
	return nil
}

// replace saves a text that can be used as the next version.
func (c *console) replace(ctx context.Context, now Configuration, text, why string) error {
	if err := replaceable(now); err != nil {
		return err
	}
	return c.saveConfiguration(ctx, now.Current.Number, text, why)
}

// An authorizeBody is the way to a vendor where a person agrees to a connection.
type authorizeBody struct {
	Connection string    `json:"connection"`
	Address    string    `json:"address" doc:"what the caller's person is to open, in a browser in which they are signed in here"`
	Back       string    `json:"back" doc:"to which the vendor sends them back: to be registered there"`
	Until      time.Time `json:"until" doc:"the way ends then; whoever begins another one for the connection ends it, too"`
}

func (c *console) apiAuthorize(ctx context.Context, in *Named) (authorizeBody, error) {
	return c.authorize(replyIn(ctx).request, in.ID)
}

func (c *console) apiGiveBack(ctx context.Context, in *Named) (connectionBody, error) {
	if err := c.giveBack(ctx, in.ID); err != nil {
		return connectionBody{}, err
	}
	return c.apiConnection(ctx, in)
}
