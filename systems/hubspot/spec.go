package hubspot

import (
	"slices"
	"strings"

	"github.com/tandemhub/tandem/connector"
)

// Spec describes HubSpot.
func Spec() connector.Spec {
	return connector.Spec{
		Name: "hubspot", Title: "HubSpot", API: "2026-09", Docs: docs,
		Notes:   specNotes(),
		BaseURL: "https://api.hubapi.com",
		Auth: []connector.Auth{
			{
				Setting: "access_token", Header: "Authorization", Prefix: "Bearer ",
				Help: "HubSpot, Settings, Integrations: a service key, or the access token of a private app",
			},
			{
				Setting: settingSecret, Header: "Authorization", Prefix: "Bearer ", OAuth: oauth,
				Help: "HubSpot, Development, the app's Auth page: its client ID and client secret",
			},
		},
		Settings: specSettings(),
		Limits:   limits,
		MaxFile:  maxFile,
		Door: connector.Door{
			// HubSpot repeats for 24 hours what is not answered with success within five seconds.
			Help: "In HubSpot, on the page of the app that has the client_secret: set the webhooks' target address, and subscribe to " +
				"creation, deletion, merge, restore, property and association changes of the objects that are synced. " +
				"Where HubSpot cannot reach this machine, client_id and client_secret let it read HubSpot's journal of changes instead.",
		},
		Open: open,
	}
}

func specNotes() []string {
	return []string{
		"The credential is a service key (HubSpot, Settings, Integrations), the access token of a private app, or an OAuth app.",
		"Of each object that is synced it needs the scopes crm.objects.NAME and crm.schemas.NAME (read and write), and crm.objects.owners.read; " +
			"leads and products have no crm.schemas, and notes, tasks, meetings, calls and e-mails need those of contacts.",
		"Leads need Sales Hub Professional, objects of your own an Enterprise subscription.",
		"A lead is made for a contact: it waits until its contact is in HubSpot.",
		"An invoice is made as a draft, and paid in HubSpot only.",
		"A deleted record goes to HubSpot's bin, where a person can restore it for 90 days; no API brings it back.",
		"A contact that was erased for data protection goes to no bin: webhooks tell it at once, else it is missed when all contacts are listed again, once a week or as refresh says.",
		"A lifecycle stage only moves forward by itself: to write an earlier one it is cleared first, which workflows can see.",
		"Where a field shows one of several associated records and HubSpot marks none as the main one, it is the one with the lowest ID.",
		"An object of your own is called by its type ID, like 2-3465404.",
		"A label of your own for associations is a field, called by its type ID, like associations.companies.37: to clear it leaves the records associated, and their other labels.",
		"Contacts are put on static lists and snapshots and taken off them; who is on an active list HubSpot decides, so that a change of it is refused.",
		"A file hangs on a record through a note that is associated with it, on an activity by itself. What is added is for users of the account only, and lies in the folder /tandem of the file manager.",
		"With automatic association switched on, HubSpot itself gives a new contact the company of its e-mail's domain.",
		"Validation rules of properties hold for API writes too since version 2026-09.",
	}
}

func specSettings() []connector.Setting {
	return []connector.Setting{
		{Name: "access_token", Label: "Access token", Help: "a service key, or the access token of a private app; not with OAuth", Secret: true},
		{Name: settingClient, Label: "Client ID", Help: "of an OAuth app, and of the app whose journal of changes is read"},
		{Name: settingSecret, Label: "Client secret", Help: "of an OAuth app, and of the app whose webhooks are received or whose journal is read", Secret: true},
		{Name: settingObjects, Label: "Objects", Help: "with OAuth: objects that rights are asked for, with blanks between; empty = all that the account has"},
		{Name: settingLists, Label: "Lists", Help: "whether contacts show on which lists they are, for one more call per hundred contacts; needs the scope crm.lists.read, and crm.lists.write to put them on lists", Default: "no", Choices: []string{"no", "yes"}},
		{Name: settingFiles, Label: "Files", Help: "whether files on records are wanted: then the scope files is asked for, and tandem check says if it is missing", Default: "no", Choices: []string{"no", "yes"}},
		{Name: settingAssociations, Label: "Associations", Help: "main = only those that all accounts have are fields; all = those with labels of your own and those with objects of your own too, for a call more per page and object", Default: associationsMain, Choices: []string{associationsAll, associationsMain}},
		{Name: settingVersion, Label: "API version", Help: "version of HubSpot's API; v3 means the legacy paths", Default: "2026-09", Choices: []string{"2026-09", "2026-03", versionLegacy}},
		{Name: settingTier, Label: "Subscription", Help: "decides how often HubSpot may be called; its answers correct it", Default: "professional", Choices: []string{"starter", "professional", "enterprise", "addon"}},
	}
}

// oauth is how a person lets the app in; see
// https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/oauth/oauth-quickstart-guide
// Rights that an account's subscription does not have are asked for as optional ones: the
// others would have HubSpot refuse the app.
func oauth(s connector.Settings) connector.OAuth {
	o := connector.OAuth{
		Authorize: "https://app.hubspot.com/oauth/authorize",
		Token:     tokenPath(s[settingVersion]),
		Scopes:    []string{"oauth", "crm.objects.owners.read"},
	}
	if s[settingVersion] != versionLegacy {
		o.Revoke = tokenPath(s[settingVersion]) + "/revoke"
	}
	asked := strings.Fields(strings.ReplaceAll(s[settingObjects], ",", " "))
	var optional []string
	for _, k := range kinds() {
		switch {
		case slices.Contains(asked, k.name), len(asked) == 0 && (k.name == companies || k.name == contacts):
			o.Scopes = appendNew(o.Scopes, k.scopes()...)
		case len(asked) == 0:
			optional = appendNew(optional, k.scopes()...)
		}
	}
	if s[settingLists] == "yes" {
		o.Scopes = append(o.Scopes, "crm.lists.read", "crm.lists.write")
	}
	if s[settingFiles] == "yes" {
		o.Scopes = append(o.Scopes, scopeFiles)
	}
	custom := kind{scope: "custom"}
	switch {
	case slices.ContainsFunc(asked, isCustom):
		o.Scopes = append(o.Scopes, custom.scopes()...)
	case len(asked) == 0:
		optional = append(optional, custom.scopes()...)
	}
	optional = slices.DeleteFunc(optional, func(scope string) bool { return slices.Contains(o.Scopes, scope) })
	if len(optional) > 0 {
		o.Extra = map[string]string{"optional_scope": strings.Join(optional, " ")}
	}
	return o
}

// tokenPath is where tokens are given.
func tokenPath(version string) string {
	switch version {
	case versionLegacy:
		return "/oauth/v1/token"
	case "":
		version = versionCurrent
	}
	return "/oauth/" + version + "/token"
}

// scopes are the rights to an object and its properties; see
// https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/scopes
func (k kind) scopes() []string {
	list := []string{"crm.objects." + k.scope + ".read", "crm.objects." + k.scope + ".write"}
	switch k.scope {
	case leads, products: // the right to the records is that to their properties
		return list
	case lineItems:
		return append(list, "crm.schemas."+k.scope+".read")
	default:
		return append(list, "crm.schemas."+k.scope+".read", "crm.schemas."+k.scope+".write")
	}
}

func appendNew(list []string, more ...string) []string {
	for _, s := range more {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}
