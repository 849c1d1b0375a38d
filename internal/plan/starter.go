package plan

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

// StarterInput is what a first tandem.yaml is made from.
type StarterInput struct {
	Timezone string // IANA name; "" = UTC
	Country  string // ISO code; "" = left as a comment
	Ends     [2]StarterEnd
}

// A StarterEnd is one of the two connections.
type StarterEnd struct {
	Name     string // of the connection; "" = the system's name
	Spec     connector.Spec
	URL      string             // "" = an example's address, if the system needs one
	Settings connector.Settings // answers so far, none of them secret
	Objects  []record.Object    // what the account has; nil if that is not known yet
}

// A StarterVariable is an environment variable that the file needs.
type StarterVariable struct {
	Name       string // "HUBSPOT_ACCESS_TOKEN"
	Connection string
	Setting    string
	Help       string // where a person finds the value
}

// Starter writes a commented tandem.yaml for two systems: their settings, and one sync
// for each kind of object that both have, companies before contacts, at first in one
// direction. Parse accepts it once the variables of StarterVariables are set.
func Starter(in StarterInput) []byte {
	w := starter{names: starterNames(in)}
	w.comment(0, fmt.Sprintf("Tandem keeps %s and %s in step; this file says what and how.", titleOf(in.Ends[0]), titleOf(in.Ends[1])))
	w.comment(0, `Try the connections with "tandem check", see what would happen with "tandem plan" (it writes to nobody), do it with "tandem sync". Secrets stand in the environment or in the file .env beside this file, never here.`)
	w.line(0, "version: 1")
	zone := in.Timezone
	if zone == "" {
		zone = "UTC"
	}
	w.line(0, "timezone: "+quoted(zone)+" # of schedules and dates")
	if in.Country == "" {
		w.line(0, "# country: GR # where phone numbers without a country code belong")
	} else {
		w.line(0, "country: "+quoted(in.Country)+" # where phone numbers without a country code belong")
	}
	w.line(0, "")
	w.line(0, "connections:")
	for i := range in.Ends {
		w.connection(in, i)
	}
	w.line(0, "")
	w.syncs(in)
	return []byte(w.b.String())
}

// StarterVariables lists the environment variables that Starter's file refers to, in
// the order of the file.
func StarterVariables(in StarterInput) []StarterVariable {
	names := starterNames(in)
	var all []StarterVariable
	for i, end := range in.Ends {
		for _, s := range settingsOf(end.Spec) {
			if needed(end.Spec, s) && s.Secret {
				all = append(all, StarterVariable{Name: variableOf(in, names, i, s.Name), Connection: names[i], Setting: s.Name, Help: secretHelp(end.Spec, s)})
			}
		}
	}
	return all
}

// variableOf names a variable after the system, or after the connection where both are
// of one system.
func variableOf(in StarterInput, names [2]string, i int, setting string) string {
	if in.Ends[0].Spec.Name == in.Ends[1].Spec.Name {
		return EnvName(names[i], setting)
	}
	return EnvName(in.Ends[i].Spec.Name, setting)
}

func starterNames(in StarterInput) [2]string {
	var names [2]string
	for i, end := range in.Ends {
		names[i] = end.Name
		if !validName(names[i]) {
			names[i] = end.Spec.Name
		}
		if !validName(names[i]) {
			names[i] = []string{"left", "right"}[i]
		}
	}
	if EnvName(names[0], "") == EnvName(names[1], "") {
		names[1] = names[1][:min(len(names[1]), 60)] + "_2"
	}
	return names
}

func titleOf(end StarterEnd) string {
	if end.Spec.Title != "" {
		return end.Spec.Title
	}
	return end.Spec.Name
}

// needed reports whether the file must have the setting: it is required without a
// default, or it is the first way to authenticate.
func needed(spec connector.Spec, s connector.Setting) bool {
	if len(spec.Auth) > 0 && (spec.Auth[0].Setting == s.Name || spec.Auth[0].OAuth != nil && s.Name == connector.ClientID) {
		return true
	}
	return s.Required && (s.Secret || s.Default == "")
}

// secretHelp says where a secret is found: the way to authenticate knows best.
func secretHelp(spec connector.Spec, s connector.Setting) string {
	for _, a := range spec.Auth {
		if a.Setting == s.Name && a.Help != "" {
			return oneLine(a.Help)
		}
	}
	return helpOf(s)
}

type starter struct {
	b     strings.Builder
	names [2]string
}

func (w *starter) line(indent int, text string) {
	if text != "" {
		w.b.WriteString(strings.Repeat(" ", indent) + text)
	}
	w.b.WriteByte('\n')
}

// comment writes a text as comment lines of readable width.
func (w *starter) comment(indent int, text string) {
	const width = 96
	line := "#"
	for word := range strings.FieldsSeq(strings.Map(visible, text)) {
		if len(line)+1+len(word) > width-indent && line != "#" {
			w.line(indent, line)
			line = "#"
		}
		line += " " + word
	}
	if line != "#" {
		w.line(indent, line)
	}
}

// visible turns what a comment cannot hold into blanks.
func visible(c rune) rune {
	if !unicode.IsPrint(c) {
		return ' '
	}
	return c
}

func (w *starter) connection(in StarterInput, i int) {
	end := in.Ends[i]
	w.line(2, w.names[i]+":")
	w.line(4, "system: "+quoted(end.Spec.Name))
	for _, note := range end.Spec.Notes {
		w.comment(4, note)
	}
	if len(end.Spec.Notes) > 0 {
		w.line(0, "")
	}
	w.address(end)
	for _, s := range settingsOf(end.Spec) {
		help := helpOf(s)
		value, answered := end.Settings[s.Name]
		switch {
		case s.Secret:
			help, value = secretHelp(end.Spec, s), "${"+variableOf(in, w.names, i, s.Name)+"}"
		case answered && value != "":
			value = quoted(value)
		case s.Default != "":
			value = quoted(s.Default)
		case len(s.Choices) > 0:
			value = quoted(s.Choices[0])
		default:
			value = "CHANGE_ME"
		}
		w.comment(4, help)
		if needed(end.Spec, s) || answered && !s.Secret {
			w.line(4, s.Name+": "+value)
		} else {
			w.line(4, "# "+s.Name+": "+value)
		}
	}
}

func (w *starter) address(end StarterEnd) {
	url := end.URL
	if url == "" && end.Spec.BaseURL == "" {
		host := strings.ToLower(strings.Map(func(c rune) rune {
			if c < 0x80 && (unicode.IsLetter(c) || unicode.IsDigit(c)) {
				return c
			}
			return -1
		}, end.Spec.Name))
		url = "https://" + strings.TrimPrefix(host+".example.com", ".")
	}
	if url != "" {
		w.comment(4, urlHelp(end.Spec))
		w.line(4, "url: "+quoted(url))
	}
}

// quoted returns a value as YAML reads it back, after variables are expanded.
func quoted(s string) string {
	s = strings.ReplaceAll(strings.Map(visible, s), "$", "$$")
	if plainYAML(s) {
		return s
	}
	b, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(b)
}

// A starterSync is a pair of objects that are the same thing.
type starterSync struct {
	name, left, right string
	direction         string
	people            bool // companies or contacts
}

// syncs writes one sync per kind of object, or an example to fill in.
func (w *starter) syncs(in StarterInput) {
	pairs := starterSyncs(in)
	if len(pairs) == 0 {
		w.comment(0, `What is kept in step; "tandem fields CONNECTION" lists a connection's objects and their fields.`)
		for _, line := range []string{
			"syncs:", "  contacts:", "    left: " + w.names[0] + ".contacts", "    right: " + w.names[1] + ".contacts", "    direction: left-to-right",
		} {
			w.line(0, "# "+line)
		}
		return
	}
	w.comment(0, `What is kept in step. Without "fields" that is all that both sides understand; "tandem fields" lists it.`)
	w.line(0, "syncs:")
	first, later := pairs, []starterSync(nil)
	if i := slices.IndexFunc(pairs, func(s starterSync) bool { return !s.people }); i > 0 {
		first, later = pairs[:i], pairs[i:] // companies and people first: the rest refers to them
	}
	for i, s := range first {
		w.line(2, s.name+":")
		w.line(4, "left: "+quoted(w.names[0]+"."+s.left))
		w.line(4, "right: "+quoted(w.names[1]+"."+s.right))
		if i == 0 {
			w.comment(4, `One way first. For two-way write "direction: both" and look at "tandem plan" before you sync; what both sides changed is then decided by "prefer".`)
		}
		w.line(4, "direction: "+s.direction)
		if i == 0 {
			w.comment(4, "left, right, newest or ask:")
			w.line(4, "# prefer: newest")
			w.comment(4, `How often "tandem serve" runs it; without this only "tandem sync" does:`)
			w.line(4, "# schedule: 15m")
			w.comment(4, "What happens to a record whose partner was deleted: ignore, archive, delete or unlink.")
			w.line(4, "# delete: ignore")
		}
	}
	w.later(later)
}

// later writes syncs that a person takes up when the first ones are settled.
func (w *starter) later(pairs []starterSync) {
	if len(pairs) == 0 {
		return
	}
	w.comment(2, `What both sides have besides. Take the "# " away once companies and contacts are in step, one after the other:`)
	for _, s := range pairs {
		for _, line := range []string{
			s.name + ":", "  left: " + quoted(w.names[0]+"."+s.left), "  right: " + quoted(w.names[1]+"."+s.right), "  direction: " + s.direction,
		} {
			w.line(2, "# "+line)
		}
	}
}

// starterSyncs finds the kinds that both sides have, parents first. Users are left out:
// they are matched, never made.
func starterSyncs(in StarterInput) []starterSync {
	kinds := []string{"company", "contact"}
	for _, o := range in.Ends[0].Objects {
		if o.Common != "" && o.Common != "user" && !slices.Contains(kinds, o.Common) {
			kinds = append(kinds, o.Common)
		}
	}
	var pairs []starterSync
	taken := make(map[string]bool)
	for _, kind := range kinds {
		left, hasLeft := byKind(in.Ends[0].Objects, kind)
		right, hasRight := byKind(in.Ends[1].Objects, kind)
		if !hasLeft || !hasRight {
			continue
		}
		s := starterSync{name: plural(kind), left: left.Name, right: right.Name, direction: "left-to-right",
			people: kind == "company" || kind == "contact"}
		if !right.Create && !right.Update {
			s.direction = "right-to-left"
			if !left.Create && !left.Update {
				continue
			}
		}
		if validName(s.name) && !taken[s.name] {
			taken[s.name] = true
			pairs = append(pairs, s)
		}
	}
	return pairs
}

func byKind(objects []record.Object, kind string) (record.Object, bool) {
	i := slices.IndexFunc(objects, func(o record.Object) bool { return o.Common == kind && o.Name != "" })
	if i < 0 {
		return record.Object{}, false
	}
	return objects[i], true
}

func plural(kind string) string {
	if stem, is := strings.CutSuffix(kind, "y"); is {
		return stem + "ies"
	}
	return kind + "s"
}
