package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
)

// Unless the file says otherwise, silent fields and deletes are looked for once a day (R35).
const defaultRefresh, defaultSweep = 24 * time.Hour, 24 * time.Hour

// connections reads the connections, and remembers their names even where one is wrong,
// so that one mistake is not reported again at every sync.
func (r *reader) connections(p pair, into *Plan) {
	if p.key == "" {
		return // its lack is reported
	}
	if p.value.shape != shapeMap {
		r.notAMap(p.value, p.place, "connections must be a map from names to settings")
		return
	}
	for _, c := range p.value.pairs {
		r.checkName(c, "connection")
		r.names = append(r.names, c.key)
		if conn, ok := r.connection(c); ok {
			into.Connections = append(into.Connections, conn)
		}
	}
}

func (r *reader) connection(p pair) (Connection, bool) {
	c := Connection{
		Name: p.key, Line: p.line, Settings: connector.Settings{}, Secrets: Secrets{},
		Refresh: defaultRefresh, Sweep: defaultSweep, Mirror: MirrorMapped,
	}
	what := fmt.Sprintf("connection %q", printable(p.key))
	if p.value.shape != shapeMap {
		r.notAMap(p.value, p.place, what+" must be a map of settings")
		return c, false
	}
	system, has := p.value.get("system")
	if !has {
		for _, misspelt := range p.value.pairs {
			if near := nearest(misspelt.key, []string{"system"}); near != "" {
				r.unknown(misspelt, what, []string{near})
				return c, false
			}
		}
		r.fail(p.place, what+` lacks "system", one of `+strings.Join(systemNames(r.specs), ", "))
		return c, false
	}
	spec, ok := r.system(system)
	if !ok {
		return c, false
	}
	c.System = spec.Name
	seen := readMap(r, p.value, p.place, what, connectionKeys(spec), &c)
	for _, s := range settingsOf(spec) {
		if _, given := c.Settings[s.Name]; !given && !s.Secret && s.Default != "" {
			c.Settings[s.Name] = s.Default
		}
	}
	r.checkAuth(p.place, what, spec, seen)
	if len(spec.Auth) > 0 && insecure(c.URL) {
		r.warn(seen["url"], what+": the credential travels unencrypted, since its url begins with http://")
	}
	return c, true
}

// checkAuth asks for one way to authenticate.
func (r *reader) checkAuth(at place, what string, spec connector.Spec, seen map[string]place) {
	ways := make([]string, 0, len(spec.Auth))
	for _, a := range spec.Auth {
		_, has := seen[a.Setting]
		_, hasID := seen[connector.ClientID]
		switch {
		case a.OAuth != nil && has && !hasID:
			r.fail(seen[a.Setting], fmt.Sprintf("%s has %s without %s; both belong to the app that you registered at %s", what, a.Setting, connector.ClientID, spec.Title))
			return
		case has, a.OAuth != nil && hasID:
			return // if it is wrong, that is reported
		case a.OAuth != nil:
			ways = append(ways, connector.ClientID+" and "+a.Setting+": ${"+EnvName(spec.Name, a.Setting)+"}"+parenthesis(a.Help))
		default:
			ways = append(ways, a.Setting+": ${"+EnvName(spec.Name, a.Setting)+"}"+parenthesis(a.Help))
		}
	}
	for _, s := range spec.Settings {
		if s.Required && isAuth(spec, s.Name) {
			return // its lack is reported
		}
	}
	if len(ways) > 0 {
		r.fail(at, what+" lacks its credential; write "+strings.Join(ways, ", or "))
	}
}

func parenthesis(help string) string {
	if help == "" {
		return ""
	}
	return " (" + oneLine(help) + ")"
}

func (r *reader) system(n node) (connector.Spec, bool) {
	name, ok := r.text(n)
	if !ok {
		return connector.Spec{}, false
	}
	i := slices.IndexFunc(r.specs, func(s connector.Spec) bool { return s.Name == name })
	if i < 0 {
		names := systemNames(r.specs)
		r.near(n.place, fmt.Sprintf("unknown system %q; this build has %s", shown(n.text), strings.Join(names, ", ")), nearest(n.text, names))
		return connector.Spec{}, false
	}
	return r.specs[i], true
}

func systemNames(specs []connector.Spec) []string {
	names := make([]string, 0, len(specs))
	for _, s := range specs {
		names = append(names, s.Name)
	}
	slices.Sort(names)
	return names
}

// connectionKeys are the keys of a connection to one system: those that every connection
// has, and the system's settings.
func connectionKeys(spec connector.Spec) []key[Connection] {
	keys := reservedKeys()
	for i := range keys {
		switch keys[i].name {
		case "system":
			keys[i].schema = schema{"const": spec.Name}
		case "url":
			keys[i].required = spec.BaseURL == ""
			keys[i].help = urlHelp(spec)
		}
	}
	for _, s := range settingsOf(spec) {
		keys = append(keys, settingKey(s))
	}
	return keys
}

// urlHelp describes the address; a system can do that best by a row of its own.
func urlHelp(spec connector.Spec) string {
	for _, s := range spec.Settings {
		if s.Name == "url" && helpOf(s) != "" {
			return helpOf(s)
		}
	}
	if spec.BaseURL == "" {
		return "Address of the API of your " + spec.Title + "."
	}
	return "Address of the API, for a sandbox, a proxy or a simulator; default " + spec.BaseURL + "."
}

func helpOf(s connector.Setting) string {
	label, help := oneLine(s.Label), oneLine(s.Help)
	if label == "" || help == "" {
		return label + help
	}
	return label + ": " + help
}

// Settings returns a system's own settings as the file can have them: credentials, and what
// OAuth needs, included.
func Settings(spec connector.Spec) []connector.Setting { return settingsOf(spec) }

// settingsOf returns a system's own settings, credentials included, without those that
// every connection has.
func settingsOf(spec connector.Spec) []connector.Setting {
	reserved := keyNames(reservedKeys())
	var settings []connector.Setting
	for _, s := range spec.Settings {
		if !slices.Contains(reserved, s.Name) {
			s.Secret = s.Secret || isAuth(spec, s.Name)
			settings = append(settings, s)
		}
	}
	for _, a := range spec.Auth {
		rows := []connector.Setting{{Name: a.Setting, Help: a.Help, Secret: true}}
		if a.OAuth != nil {
			rows = oauthSettings(a)
		}
		for _, row := range rows {
			if !slices.ContainsFunc(settings, func(s connector.Setting) bool { return s.Name == row.Name }) {
				settings = append(settings, row)
			}
		}
	}
	return settings
}

func isAuth(spec connector.Spec, setting string) bool {
	return slices.ContainsFunc(spec.Auth, func(a connector.Auth) bool { return a.Setting == setting })
}

func settingKey(s connector.Setting) key[Connection] {
	k := key[Connection]{name: s.Name, help: helpOf(s), required: s.Required && (s.Secret || s.Default == ""), schema: settingSchema(s)}
	k.read = func(r *reader, n node, c *Connection) {
		if s.Secret {
			if v, ok := r.secret(n, EnvName(c.System, s.Name)); ok {
				c.Secrets[s.Name] = v
				c.cameFrom(s.Name, n.text)
			}
			return
		}
		var v string
		var ok bool
		if len(s.Choices) > 0 {
			v, ok = r.word(n, s.Choices...)
		} else {
			v, ok = r.text(n)
		}
		if ok {
			c.Settings[s.Name] = v
		}
	}
	return k
}

// cameFrom remembers a secret of the vault, so that it can be looked up again.
func (c *Connection) cameFrom(setting, text string) {
	if name, is := vaultedName(text); is {
		if c.Vaulted == nil {
			c.Vaulted = map[string]string{}
		}
		c.Vaulted[setting] = name
	}
}

// reservedKeys are the keys of every connection.
func reservedKeys() []key[Connection] {
	path := func(name, help string, of func(*Connection) *string) key[Connection] {
		return key[Connection]{name: name, help: help, schema: textSchema(), read: func(r *reader, n node, c *Connection) { r.pemFile(n, of(c)) }}
	}
	often := func(name, help string, of func(*Connection) *time.Duration) key[Connection] {
		return key[Connection]{name: name, help: help, schema: durationSchema(), read: func(r *reader, n node, c *Connection) {
			if d, ok := r.duration(n); ok {
				*of(c) = d
			}
		}}
	}
	return []key[Connection]{
		{name: "system", required: true, help: "Kind of system.", schema: textSchema(), read: func(*reader, node, *Connection) {}},
		{name: "url", help: "Address of the API.", schema: textSchema(), read: func(r *reader, n node, c *Connection) { r.webAddress(n, &c.URL) }},
		{name: "timezone", help: "IANA time zone of the account; default what the system says.", schema: textSchema(), read: func(r *reader, n node, c *Connection) {
			c.Timezone, _ = r.zone(n)
		}},
		path("ca", "PEM file with the certificate authority of the address, if it is your own.", func(c *Connection) *string { return &c.CA }),
		path("client_cert", "PEM file with the certificate and key that we show.", func(c *Connection) *string { return &c.ClientCert }),
		{name: "proxy", help: "Proxy on the way to the address: http://, https:// or socks5://.", schema: textSchema(), read: func(r *reader, n node, c *Connection) {
			if u, ok := r.address(n, true, "socks5", "https", "http"); ok {
				c.Proxy = u.String()
			}
		}},
		often("refresh", "How often fields are read again whose changes the system does not announce; default 1d.", func(c *Connection) *time.Duration { return &c.Refresh }),
		often("sweep", "How often is looked for records that were deleted; default 1d.", func(c *Connection) *time.Duration { return &c.Sweep }),
		{name: "mirror", help: "Which fields are kept here: mapped (default), those that a sync needs, or all.", schema: wordSchema(MirrorMapped, MirrorAll), read: func(r *reader, n node, c *Connection) {
			if w, ok := r.word(n, MirrorMapped, MirrorAll); ok {
				c.Mirror = w
			}
		}},
	}
}
