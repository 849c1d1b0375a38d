package pipedrivetwin

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// What a read may ask for beyond what is always shown; see
// https://developers.pipedrive.com/docs/api/v1/Persons#getPersons

// optional are the parameters by which reads of an object ask for that. Archived deals show no
// labels of choices, nor does a single product show anything more.
func optional(o *object, list, archived bool) []string {
	switch {
	case o.old, o.name == products && !list:
		return nil
	case o.name == products:
		return []string{"custom_fields"}
	case o.name == activities:
		return []string{"include_fields"}
	case archived:
		return []string{"include_fields", "custom_fields"}
	default:
		return []string{"include_fields", "custom_fields", "include_option_labels", "include_labels"}
	}
}

// includes are the fields that a read may ask for.
func includes(object string) []string {
	counts := []string{
		"next_activity_id", "last_activity_id", "open_deals_count", "related_open_deals_count", "closed_deals_count", "related_closed_deals_count",
		"email_messages_count", "activities_count", "done_activities_count", "undone_activities_count", "files_count", "notes_count",
		"followers_count", "won_deals_count", "related_won_deals_count", "lost_deals_count", "related_lost_deals_count",
	}
	switch object {
	case persons:
		return append(counts, "participant_open_deals_count", "participant_closed_deals_count", "last_incoming_mail_time",
			"last_outgoing_mail_time", "marketing_status", "doi_status", "smart_bcc_email")
	case organizations:
		return append(counts, "people_count", "smart_bcc_email")
	case deals:
		return []string{
			"next_activity_id", "last_activity_id", "first_won_time", "products_count", "files_count", "notes_count", "followers_count",
			"email_messages_count", "activities_count", "done_activities_count", "undone_activities_count", "participants_count",
			"last_incoming_mail_time", "last_outgoing_mail_time", "smart_bcc_email", "source_lead_id",
		}
	case activities:
		return []string{"attendees"}
	default:
		return nil
	}
}

// maxKeys is how many custom fields a read may name.
const maxKeys = 15

// mayInclude refuses what cannot be asked for; what a company without Campaigns is told is not
// documented.
func (c *Company) mayInclude(r *request, o *object, q map[string]string) *failure {
	for _, name := range split(q["include_fields"]) {
		switch {
		case !slices.Contains(includes(o.name), name):
			c.Unknown(r.Request, "field "+name+" to include")
			return fail(400, "Validation failed: include_fields: "+name+" is not supported", codeSchema)
		case (name == "marketing_status" || name == "doi_status") && !c.campaigns:
			return fail(400, "Validation failed: include_fields: "+name+" is not available", codeSchema)
		}
	}
	if len(split(q["custom_fields"])) > maxKeys {
		return fail(400, "Validation failed: custom_fields: at most 15 are allowed", codeSchema)
	}
	return nil
}

// included is a record with what was asked for.
func (c *Company) included(o *object, n *row, q map[string]string) map[string]any {
	m := c.render(o, n)
	for _, name := range split(q["include_fields"]) {
		m[name] = c.computed(o, n, name)
	}
	own, _ := m["custom_fields"].(map[string]any)
	if keys := split(q["custom_fields"]); keys != nil {
		maps.DeleteFunc(own, func(key string, _ any) bool { return !slices.Contains(keys, key) })
	}
	if q["include_option_labels"] == "true" {
		for _, f := range o.customs() {
			if v, ok := own[f.key]; ok && v != nil {
				own[f.key] = f.labelled(v)
			}
		}
	}
	if q["include_labels"] == "true" {
		labels := []any{}
		list, _ := n.f["label_ids"].([]any)
		for _, id := range list {
			labels = append(labels, option{id, recordLabels()}.render())
		}
		m["labels"] = labels
	}
	return m
}

// computed is a field that Pipedrive works out. Only what deals of a person or an organization
// have come to is; the rest is not played.
func (c *Company) computed(o *object, n *row, name string) any {
	switch {
	case name == "marketing_status":
		return n.f[name]
	case name == "files_count":
		count := 0
		for _, f := range c.files {
			if !f.gone && fmt.Sprint(f.on[strings.TrimSuffix(singular(o.name), "anization")+"_id"]) == n.id {
				count++
			}
		}
		return count
	case !strings.HasSuffix(name, "_count"):
		return nil
	}
	count, key := 0, map[string]string{persons: "person_id", organizations: "org_id"}[o.name]
	status := strings.TrimSuffix(name, "_deals_count")
	for _, deal := range c.object(deals).rows {
		is := fmt.Sprint(deal.f["status"])
		if key != "" && !deal.deleted && fmt.Sprint(deal.f[key]) == n.id && (is == status || status == "closed" && is != "open") {
			count++
		}
	}
	return count
}

// An option is a choice by its number, with the labels that there are.
type option struct {
	id     any
	labels []string
}

func (x option) render() map[string]any {
	label := ""
	if n, err := strconv.Atoi(fmt.Sprint(x.id)); err == nil && n >= 1 && n <= len(x.labels) {
		label = x.labels[n-1]
	}
	return map[string]any{"id": x.id, "label": label}
}

func (f *customField) labelled(v any) any {
	switch {
	case f.kind == "enum":
		return option{v, f.options}.render()
	case f.kind != "set":
		return v
	}
	list, _ := v.([]any)
	out := []any{}
	for _, id := range list {
		out = append(out, option{id, f.options}.render())
	}
	return out
}

// recordLabels are the labels that every new company has for persons, organizations and deals.
func recordLabels() []string { return []string{"Customer", "Hot lead", "Warm lead"} }
