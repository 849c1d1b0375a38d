package console

import (
	"net/http"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/rest"
)

type systemsPage struct {
	Systems []systemView
}

// A systemView is one kind of system.
type systemView struct {
	connector.Spec
	Abilities []string // ends of keys below "ability."
	OAuth     bool     // a person can agree in a browser
	Key       bool     // a key will do
	Used      int      // connections to it
	FileMB    int      // of the largest file that it takes
}

// abilitiesOf returns what a connection can do, which needs no network; none if its settings do
// not suffice to open it.
func abilitiesOf(spec connector.Spec, settings connector.Settings, secrets map[string]string, address string) []string {
	able, handle, err := rest.Open(spec, rest.OpenOptions{Settings: settings, Secrets: secrets, URL: address})
	if err != nil || handle == nil {
		return nil
	}
	defer handle.Close()
	names := able.Names()
	for i, name := range names {
		names[i] = keyOf(name)
	}
	return names
}

// sampleOf are settings with which a system can be opened to see what it can do.
func sampleOf(spec connector.Spec) (settings connector.Settings, secrets map[string]string) {
	settings, secrets = connector.Settings{}, map[string]string{}
	for _, s := range plan.Settings(spec) {
		value := s.Default
		if value == "" && len(s.Choices) > 0 {
			value = s.Choices[0]
		}
		if value == "" {
			value = "sample"
		}
		switch {
		case s.Secret:
			secrets[s.Name] = value
		case s.Required || s.Default != "":
			settings[s.Name] = value
		}
	}
	return settings, secrets
}

func (c *console) showSystems(w http.ResponseWriter, r *http.Request) error {
	return c.view.page(w, r, "systems", systemsPage{Systems: c.systems()})
}

// systems tells of all kinds of systems, by what people call them.
func (c *console) systems() []systemView {
	used := map[string]int{}
	for _, conn := range c.hub.Plan().Connections {
		used[conn.System]++
	}
	var all []systemView
	for _, spec := range c.hub.Specs() {
		settings, secrets := sampleOf(spec)
		v := systemView{Spec: spec, Used: used[spec.Name], FileMB: int(spec.MaxFile >> 20)}
		v.Abilities = abilitiesOf(spec, settings, secrets, "https://sample.invalid")
		v.OAuth = slices.ContainsFunc(spec.Auth, func(a connector.Auth) bool { return a.OAuth != nil })
		v.Key = slices.ContainsFunc(spec.Auth, func(a connector.Auth) bool { return a.OAuth == nil })
		all = append(all, v)
	}
	slices.SortFunc(all, func(a, b systemView) int { return strings.Compare(strings.ToLower(a.Title), strings.ToLower(b.Title)) })
	return all
}
