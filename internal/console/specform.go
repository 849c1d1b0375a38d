package console

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/plan"
)

// longestValue is how many bytes of a setting somebody can type.
const longestValue = 4000

// An envLine is a secret that the configuration takes from the environment: its value is never
// part of what is shown.
type envLine struct{ Name, Help string }

// A specForm is the form for a connection to one system, made from its Spec.
type specForm struct {
	System string
	Name   specField
	URL    specField
	Fields []specField
	Ways   []authWay  // to authenticate; one has to be chosen
	Way    int        // which, by its place
	Keys   []keyField // secrets beside those
}

// A specField is one setting as somebody types it.
type specField struct {
	connector.Setting
	Value string
	Wrong string // the key of what is wrong with it; "" = nothing
	Said  string // the same in the reader's language, or what the configuration says of it
}

// A keyField is a secret that can be typed: its value is never part of a page.
type keyField struct {
	Name, Help string
	Variable   string // of the environment, where it is expected if it is left out
	Said       string // what is wrong with it; "" = nothing
}

// Bad reports whether something is wrong with the value.
func (f specField) Bad() bool { return f.Wrong != "" }

// An authWay is one way to authenticate: the settings that it takes are secrets, which stand in the
// environment, and perhaps the public name of an app.
type authWay struct {
	Setting  string
	Help     string
	OAuth    bool
	ClientID specField
	Key      keyField
}

var connectionName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,39}$`)

// newSpecForm returns the empty form of a system.
func newSpecForm(spec connector.Spec) specForm {
	f := specForm{System: spec.Name}
	f.Name.Setting = connector.Setting{Name: "name", Required: true}
	f.URL.Setting = connector.Setting{Name: "url", Required: spec.BaseURL == "", Default: spec.BaseURL}
	for _, s := range spec.Settings {
		if s.Name == "url" {
			f.URL.Label, f.URL.Help = s.Label, s.Help
		}
	}
	auth := map[string]bool{connector.ClientID: true}
	for _, a := range spec.Auth {
		way := authWay{Setting: a.Setting, Help: a.Help, OAuth: a.OAuth != nil, Key: keyField{Name: a.Setting, Variable: plan.EnvName(spec.Name, a.Setting)}}
		way.ClientID.Setting = connector.Setting{Name: connector.ClientID, Required: true}
		f.Ways = append(f.Ways, way)
		auth[a.Setting] = true
	}
	for _, s := range plan.Settings(spec) {
		if !auth[s.Name] {
			f.Fields = append(f.Fields, specField{Setting: s, Value: s.Default})
		}
		if !auth[s.Name] && s.Secret && s.Required {
			f.Keys = append(f.Keys, keyField{Name: s.Name, Help: s.Help, Variable: plan.EnvName(spec.Name, s.Name)})
		}
	}
	return f
}

// read takes what somebody has typed, and marks what is wrong. It reports whether all is right.
func (f *specForm) read(v url.Values, taken func(name string) bool) bool {
	right := true
	take := func(field *specField) {
		field.Value = strings.TrimSpace(v.Get(field.Name))
		if field.Value == "" && len(field.Choices) > 0 {
			field.Value = field.Default
		}
		field.Wrong = field.problem()
		right = right && field.Wrong == ""
	}
	take(&f.Name)
	switch {
	case f.Name.Wrong != "":
	case !connectionName.MatchString(f.Name.Value):
		f.Name.Wrong, right = "error.connectionname", false
	case f.Name.Value == "new" || taken(f.Name.Value): // which is the page's own address
		f.Name.Wrong, right = "error.taken", false
	}
	take(&f.URL)
	if u, err := url.Parse(f.URL.Value); f.URL.Wrong == "" && f.URL.Value != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil) {
		f.URL.Wrong, right = "error.address", false
	}
	for i := range f.Fields {
		if !f.Fields[i].Secret {
			take(&f.Fields[i])
		}
	}
	f.Way = max(0, slices.IndexFunc(f.Ways, func(w authWay) bool { return w.Setting == v.Get("way") }))
	if len(f.Ways) > 0 && f.Ways[f.Way].OAuth {
		take(&f.Ways[f.Way].ClientID)
	}
	return right
}

// problem says what is wrong with a value by itself.
func (f specField) problem() string {
	switch {
	case f.Value == "" && f.Required && f.Default == "":
		return "error.missing"
	case f.Value == "":
		return ""
	case len(f.Value) > longestValue || !utf8.ValidString(f.Value) || strings.ContainsFunc(f.Value, unicode.IsControl):
		return "error.value"
	case len(f.Choices) > 0 && !slices.Contains(f.Choices, f.Value):
		return "error.choice"
	}
	return ""
}

// secrets are the settings that come from the environment.
func (f specForm) secrets() []envLine {
	var all []envLine
	if len(f.Ways) > 0 {
		way := f.Ways[f.Way]
		all = append(all, envLine{way.Setting, way.Help})
	}
	for _, k := range f.Keys {
		all = append(all, envLine{k.Name, k.Help})
	}
	return all
}

// inEnvironment is where the form of the page expects a secret: in the environment.
func (f specForm) inEnvironment(setting string) string {
	return "${" + plan.EnvName(f.System, setting) + "}"
}

// document returns the connection as the configuration has it.
func (f specForm) document() (string, error) {
	entry, err := f.entry(f.inEnvironment)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("connections:\n")
	for line := range strings.Lines(entry) {
		b.WriteString("  " + line)
	}
	return b.String(), nil
}

// entry returns the connection's name and settings. No secret is part of it: from says where each
// one is.
func (f specForm) entry(from func(setting string) string) (string, error) {
	settings := yaml.MapSlice{{Key: "system", Value: f.System}}
	add := func(field specField) {
		if field.Value != "" && field.Value != field.Default {
			settings = append(settings, yaml.MapItem{Key: field.Name, Value: field.Value})
		}
	}
	add(f.URL)
	if len(f.Ways) > 0 && f.Ways[f.Way].OAuth {
		add(f.Ways[f.Way].ClientID)
	}
	for _, x := range f.secrets() {
		settings = append(settings, yaml.MapItem{Key: x.Name, Value: from(x.Name)})
	}
	for _, field := range f.Fields {
		if !field.Secret {
			add(field)
		}
	}
	b, err := yaml.Marshal(yaml.MapSlice{{Key: f.Name.Value, Value: settings}})
	if err != nil {
		return "", fmt.Errorf("write the connection: %w", err)
	}
	return string(b), nil
}

func (c *console) taken(name string) bool {
	_, is := c.hub.Plan().Connection(name)
	return is
}

// freeName proposes a name that no connection has.
func freeName(system string, taken func(string) bool) string {
	name := system
	for i := 2; taken(name); i++ {
		name = fmt.Sprintf("%s%d", system, i)
	}
	return name
}
