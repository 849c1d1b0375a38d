package pipedrive

import (
	"time"

	"github.com/tandemhub/tandem/connector"
)

// Spec describes Pipedrive.
func Spec() connector.Spec {
	return connector.Spec{
		Name: "pipedrive", Title: "Pipedrive", API: "v2", Docs: docs,
		Notes:   specNotes(),
		BaseURL: baseURL,
		Auth: []connector.Auth{
			{
				Setting: settingToken, Header: "X-Api-Token",
				Help: "Pipedrive, Personal preferences, API: the personal API token of an administrator",
			},
			{
				Setting: settingSecret, Header: "Authorization", Prefix: "Bearer ", OAuth: oauth,
				Help: "Pipedrive's Developer Hub, the app's page \"OAuth and access scopes\": its client ID and client secret",
			},
		},
		Settings: []connector.Setting{
			{Name: settingToken, Label: "API token", Help: "the personal API token of an administrator; not with OAuth", Secret: true},
			{Name: settingSecret, Label: "Client secret", Help: "of an OAuth app, with its client_id", Secret: true},
			{Name: settingHook, Label: "Webhook password", Help: "with the user tandem for webhooks that are made by hand; empty = one is made of the credential", Secret: true},
			{Name: settingPlan, Label: "Plan", Help: "decides how often Pipedrive may be called", Default: "lite", Choices: []string{"lite", "growth", "premium", "ultimate"}},
		},
		Limits: limits,
		Door: connector.Door{
			// Pipedrive waits ten seconds, and repeats three times within three minutes.
			ReadDelay: time.Second,
		},
		MaxFile: maxFile,
		Open:    open,
	}
}

func specNotes() []string {
	return []string{
		"The API token, or the person who grants an OAuth app access, should be an administrator of sales: others see only " +
			"what they may, and then nothing proves that a record was deleted. Webhooks need an administrator, too.",
		"An OAuth app needs the scopes base, contacts:full, deals:full, leads:full, activities:full, products:full, users:read, search:read " +
			"and, for webhooks and fields, admin. Scopes are chosen when the app is registered.",
		"Every call costs tokens, of which a company has a number for each day. When few are left listings wait for the next day, and only " +
			"changes still get through; webhooks cost nothing.",
		"url may be the company's own address, https://COMPANY.pipedrive.com, which answers faster; not with OAuth, whose tokens come from another address.",
		"Custom fields are called by the key that Pipedrive gives them, 40 letters and digits; tandem fields shows their names.",
		"A person's first and last name are made by Pipedrive of the whole name, and cannot be written.",
		"Of several e-mail addresses or phones the main one is shown; writing it keeps the others, and when it is cleared the next one takes its place.",
		"A deleted record can be brought back in Pipedrive for 30 days; no API does it.",
		"Archived deals and leads are read a quarter of an hour after the last time at the earliest, unless a webhook tells of them.",
		"What a person, organization or deal was merged into is known only from a webhook, or if Tandem merged them.",
		"Call logs are made, and not changed. Pipedrive lists only those of the token's user, from the beginning, so they are read once a day. " +
			"An OAuth app needs the scope phone-integration for them.",
		"With Campaigns, a person's marketing status is a consent: subscribed and archived are a yes, unsubscribed is a no. Pipedrive keeps it by " +
			"e-mail address, turns it from one to another once only, and does not move the person's time; so it is read again on the refresh schedule. " +
			"A no follows a person to another address, a yes does not, and a yes in Pipedrive does not lift a no elsewhere without a question.",
		"Files hang on persons, organizations, deals and products. One that Pipedrive shows with several of them is taken for the deal's, " +
			"else the product's, the person's, the organization's. Attachments of mails and files at Google are left out.",
		"Leads have the custom fields of deals. Activities and notes have none, nor a place for the key of an operation: after a lost answer they are found by what was written.",
	}
}

// limits returns what Pipedrive allows: requests in two seconds by plan and credential.
func limits(s connector.Settings, _ connector.Identity) []connector.Limit {
	burst := map[string]int{"growth": 40, "premium": 100, "ultimate": 120}[s[settingPlan]]
	if burst == 0 {
		burst = 20
	}
	if s[connector.ClientID] != "" {
		burst = map[int]int{20: 80, 40: 160, 100: 400, 120: 480}[burst]
	}
	return []connector.Limit{
		{Name: limitBurst, Units: burst, Per: burstWindow, Source: limitsPage},
		{Name: limitSearch, Units: searches, Per: burstWindow, Source: limitsPage},
	}
}

// oauth is how a person lets the app in; see
// https://pipedrive.readme.io/docs/marketplace-oauth-authorization
// The address of the company that comes with the tokens is kept in the connection's memory;
// the common address serves every company.
func oauth(connector.Settings) connector.OAuth {
	const host = "https://oauth.pipedrive.com/oauth/"
	return connector.OAuth{
		Authorize: host + "authorize", Token: host + "token", Revoke: host + "revoke",
		InHeader: true, Dies: 60 * 24 * time.Hour,
	}
}
