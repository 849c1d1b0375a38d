package brevo

import (
	"time"

	"github.com/tandemhub/tandem/connector"
)

// Names of settings.
const (
	settingKey     = "api_key"
	settingSecret  = "client_secret"
	settingMachine = "m2m_secret"
	settingScope   = "m2m_scope"
	settingKeyName = "key_name"
	settingPlan    = "plan"
	settingImport  = "import_list"

	planGeneral  = "general"
	planAdvanced = "advanced"
	planExtended = "extended"
)

// Spec describes Brevo.
func Spec() connector.Spec {
	return connector.Spec{
		Name: "brevo", Title: "Brevo", API: "v3", Docs: docs,
		Notes:   specNotes(),
		BaseURL: "https://api.brevo.com",
		Auth: []connector.Auth{
			{Setting: settingKey, Header: "api-key", Help: "Brevo, Settings, SMTP & API, API keys"},
			{Setting: settingMachine, Help: "Brevo's command line: brevo app create --m2m; its client ID goes into client_id"},
			{
				Setting: settingSecret, Header: "Authorization", Prefix: "Bearer ", OAuth: oauth,
				Help: "Brevo, the private app's page: its client ID and client secret",
			},
		},
		Settings: specSettings(),
		Limits:   limits,
		Door: connector.Door{
			// Brevo repeats after 429 and after silence, and drops what is answered otherwise; see
			// https://developers.brevo.com/docs/retry-mechanism
			Busy:      429,
			ReadDelay: 2 * time.Second,
		},
		Open: open,
	}
}

func specNotes() []string {
	return []string{
		"An API key has all rights to the account. Where Brevo knows authorised IP addresses, that of this machine has to be one.",
		"Give Tandem an API key of its own and put its name into key_name: changes that were made with it are then not reported back.",
		"Contacts may be read and written 10 times a second. Companies, deals, notes and all else share 100 calls an hour (limits by plan): " +
			"refresh and sweep them rarely, and keep what changes often on contacts or tell it as events.",
		"A contact that is blocklisted for e-mail or text messages is a no (R32). It is carried to the other side whatever the direction. " +
			"Not to be blocklisted is no consent: it shows as nothing said.",
		"A blocklisting is lifted only where the person has said yes again. The e-mail address of a contact that is blocklisted is not changed: Brevo would take it off the blocklist. " +
			"Nor is the number of one that is blocklisted for text messages.",
		"Nobody is put on a list again from which they unsubscribed.",
		"Values that Brevo would ignore without a word are refused and shown; an attribute that is not in Brevo is made by check --create-fields.",
		"An e-mail address, an external ID and each telephone number are one contact's only. A number that another contact has is left out, and shown.",
		"Telephone numbers need their country code.",
		"New contacts that come together, 20 and more, go through Brevo's import, straight onto their lists. Those that are on no list do so only if import_list names one for them; " +
			"else they are made one by one. Fill it for a first load of many thousands: it is then some hundred calls instead of one for each person.",
		"An import is given only addresses of which Brevo has no contact; all contacts are counted for that. With the attribute TANDEM_KEY (check --create-fields) " +
			"no call of the hundred an hour is spent on asking what became of it.",
		"New companies that come together, 20 and more, go through Brevo's import of companies, a thousand in a call, if they have the attribute Tandem key " +
			"(check --create-fields): Brevo tells neither which companies an import made nor which rows it left out, so each is looked for by its key. A row that is nowhere ten minutes later, when the import is over, " +
			"is made by itself, which says what is wrong. Imported are texts and numbers; a company with other values, or with a semicolon in one, is made by itself, and links are made after the import. " +
			"Not verified at a live account: the form of numbers in such a file, how long an import takes (what was cut off is looked for after half an hour), and that a process tells the end of this kind of import.",
		"An import of companies whose answer was lost is not sent again while Brevo lists a process that may be it, for a day at most; until then its companies wait. If Brevo lists none and the " +
			"companies show only after that half hour, they stand there twice: the second ones are in the review queue as duplicates, by the match keys of the sync. " +
			"So match companies by what each of them has, such as the name: one that has none of the keys would stand there twice and nobody would be told.",
		"Brevo reports changed contacts by e-mail address in batches of five minutes; contacts without an address, companies and deals are not reported.",
		"Contacts are not merged: Brevo merges only where it is told to on a conflict, and keeps the one that it likes.",
		"Tasks, segments, campaigns and objects of your own are left out.",
	}
}

func specSettings() []connector.Setting {
	return []connector.Setting{
		{Name: settingKey, Label: "API key", Help: "begins with xkeysib-; not with OAuth", Secret: true},
		{Name: settingMachine, Label: "Client secret of an M2M app", Help: "with client_id, instead of an API key", Secret: true},
		{Name: settingScope, Label: "Scope of the M2M app", Help: "what tokens are asked for; empty = all that the app has"},
		{Name: settingSecret, Label: "Client secret", Help: "of an OAuth app to which a person grants access", Secret: true},
		{Name: settingKeyName, Label: "Name of the API key", Help: "as it is called in Brevo; reports of what was changed with it are passed over"},
		{
			Name: settingPlan, Label: "Plan", Help: "decides how often Brevo may be called; its answers correct it",
			Default: planGeneral, Choices: []string{planGeneral, planAdvanced, planExtended},
		},
		{Name: settingImport, Label: "List for imports", Help: "ID of the list on which imported contacts are put that are on no other; empty = these are not imported"},
	}
}

// oauth is how a person lets a private app in; see
// https://developers.brevo.com/docs/oauth-integration-guide and, for where tokens are given
// now, https://developers.brevo.com/changelog/2026/10/13
func oauth(connector.Settings) connector.OAuth {
	return connector.OAuth{
		Authorize: "https://oauth.brevo.com/realms/partner/oauth/authorize",
		Token:     tokenPath,
		Scopes:    []string{"all"},
		Dies:      30 * 24 * time.Hour,
	}
}

// tokenPath is where tokens are given.
const tokenPath = "/realms/partner/oauth/token"
