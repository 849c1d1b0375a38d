package plan

import (
	"fmt"
	"slices"
	"strings"
)

// write writes the new file.
func (o *older) write() []byte {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# Converted from the older format. What could not be taken over was listed when this was")
	line("# written; tandem check --create-fields makes what the accounts lack, tandem plan says what would happen.")
	line("version: 1\ntimezone: UTC # the older format had none: whose days and schedules are these?")
	line("# country: GR # where phone numbers without a country code belong")
	line("# public_url: https://tandem.example.com # with it Pipedrive and Brevo report changes by themselves")
	if o.rated {
		line("rates: { EUR: 1 } # what one unit of each currency of your deals is worth: EUR: 1, USD: 0.92")
	}
	line("\nconnections:\n  pipedrive:\n    system: pipedrive")
	if o.address != "" {
		line("    url: %s", o.address)
	}
	line("    api_token: ${PIPEDRIVE_API_TOKEN} # the environment, a file .env beside this one, or ${secret:NAME}")
	line("  brevo:\n    system: brevo\n    api_key: ${BREVO_API_KEY}\n\nsyncs:")
	if o.wants("persons") || !o.wants("organizations") {
		o.writeContacts(line)
	}
	if o.wants("organizations") {
		line("  companies: # Brevo allows 100 calls an hour for these")
		line("    left: pipedrive.organizations\n    right: brevo.companies\n    direction: left-to-right\n    match: [name]\n    schedule: 6h\n    fields: [name]")
	}
	if slices.Contains(o.objects, "deals") {
		line("  # deals: # 100 calls an hour, too\n  #   left: pipedrive.deals\n  #   right: brevo.deals\n  #   direction: left-to-right\n  #   match: [name]\n  #   fields: [name, amount]")
	}
	return []byte(b.String())
}

// wants reports whether an object is to be synced; persons are unless the file says which are.
func (o *older) wants(object string) bool {
	return slices.Contains(o.objects, object) || object == "persons" && !o.named
}

func (o *older) writeContacts(line func(string, ...any)) {
	line("  contacts:\n    left: pipedrive.persons\n    right: brevo.contacts\n    match: [email]")
	line("    where: { left: \"email != ''\", right: \"email != ''\" } # who has no address stays where he is, and is counted")
	if o.names["name"] == "" {
		line("    create: right # no field fills the name, which a person of Pipedrive must have")
	}
	line("    schedule: 15m")
	if slices.ContainsFunc(o.fields, func(f string) bool { return strings.HasPrefix(f, "-") }) {
		line("    fields:")
	}
	for _, f := range o.fields {
		line("      %s", f)
		first, last := o.names["first_name"], o.names["last_name"]
		if strings.HasPrefix(f, "- { left: name, ") && first != "" && last != "" {
			line("      # A new person is called by these where the contact has no %s:", o.names["name"])
			line("      - { left: name, from: \"trim(%s + ' ' + %s)\" }", first, last)
		}
	}
	o.writeLists(line)
	if len(o.events) > 0 {
		line("    events:\n      %s", strings.Join(o.events, "\n      "))
	}
}

// writeLists turns lists and stages into rules. A list that stages lead to needs no rule of its
// own; of the others the older format said in words only who belongs there.
func (o *older) writeLists(line func(string, ...any)) {
	var rules, to []string
	staged := map[string]bool{}
	for _, s := range o.stages {
		to, staged[s.text()] = append(to, s.key+": "+s.text()), true
	}
	for _, l := range o.lists {
		status := map[string]string{"qualified_leads": "open", "customers": "won", "churned": "lost"}[l.key]
		switch {
		case staged[l.text()]:
		case l.key == "all_contacts":
			rules = append(rules, fmt.Sprintf("- { in: %s, when: \"true\" } # %s", l.text(), l.key))
		case status != "" && len(o.stages) == 0:
			to = append(to, status+": "+l.text())
		default:
			o.leftf(l.line, "lists.%s: who belongs there? write a rule with a condition for it", l.key)
			rules = append(rules, fmt.Sprintf("# - { in: %s, when: \"…\" } # %s: who belongs there?", l.text(), l.key))
		}
	}
	if len(to) > 0 {
		rules = append([]string{"- { of: deals, pick: [open, won, lost], by: stage_id, to: { " + strings.Join(to, ", ") + " } }"}, rules...)
	}
	if slices.Contains(o.objects, "leads") {
		rules = append(rules, `- { in: Nurturing, when: "count(leads, not .is_archived) > 0" } # the older format named no list for leads`)
	}
	if !slices.ContainsFunc(rules, func(r string) bool { return strings.HasPrefix(r, "-") }) {
		return
	}
	line("    lists: # by ID, or by what they are called")
	for _, r := range rules {
		line("      %s", r)
	}
}
