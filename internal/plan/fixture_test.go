package plan

import (
	"testing"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

// The values of the environment in all tests; none may ever be shown.
const (
	erpKey   = "ErpKey-4711-secret"
	crmToken = "CrmToken-0815-secret"
	password = "Passw0rd-2342-secret"
)

func testEnv(name string) (string, bool) {
	v, ok := map[string]string{
		"DOLIBARR_API_KEY": erpKey, "HUBSPOT_TOKEN": crmToken, "PASSWORD": password,
		"DATABASE_URL": "postgres://tandem:" + password + "@db.example.com/tandem",
		"EMPTY":        "", "TWO_LINES": "a\nb", "PADDED": " " + crmToken + "\n", "HOST": "erp.example.com",
		"SYSTEM": password, "CONNECTION": password,
	}[name]
	return v, ok
}

// testSpecs are the two systems of the example, and one with settings of every sort.
func testSpecs() []connector.Spec {
	return []connector.Spec{
		{
			Name: "hubspot", Title: "HubSpot", BaseURL: "https://api.hubapi.com",
			Auth: []connector.Auth{{Setting: "access_token", Header: "Authorization", Prefix: "Bearer ", Help: "Settings > Integrations > Service keys"}},
		},
		{
			Name: "dolibarr", Title: "Dolibarr",
			Auth: []connector.Auth{{Setting: "api_key", Header: "DOLAPIKEY", Help: "User card > API key"}},
			Settings: []connector.Setting{
				{Name: "api_key", Label: "API key", Secret: true, Required: true, Help: "User card > API key"},
				{Name: "entity", Label: "Entity", Help: "Number of the company in a multi-company Dolibarr."},
			},
		},
		{
			Name: "ledger", Title: "Ledger 3000", BaseURL: "https://ledger.example.com",
			Auth: []connector.Auth{{Setting: "token"}, {Setting: "legacy_key", Help: "Old installations"}},
			Settings: []connector.Setting{
				{Name: "region", Choices: []string{"eu", "us"}, Default: "eu", Required: true},
				{Name: "tenant", Required: true, Help: "In the address bar\nafter /t/"},
				{Name: "url", Help: "Only on premises."},
			},
		},
	}
}

// head is a valid beginning of a file; syncs may follow.
const head = `version: 1
connections:
  erp:
    system: dolibarr
    url: https://erp.example.com/api/index.php
    api_key: ${DOLIBARR_API_KEY}
  crm:
    system: hubspot
    access_token: ${HUBSPOT_TOKEN}
`

func parse(t *testing.T, src string) *Plan {
	t.Helper()
	p, problems := Parse("tandem.yaml", []byte(src), testEnv, testSpecs())
	if problems.HasErrors() {
		t.Fatalf("Parse: %v", problems)
	}
	if len(problems) > 0 {
		t.Logf("warnings: %v", problems)
	}
	return p
}

func testObjects() (left, right record.Object) {
	left = record.Object{
		Name: "contacts", Common: "contact", Create: true, Update: true, Delete: true, Deletes: record.EvidenceListing,
		Fields: []record.Field{
			{Name: "email", Common: "email", Kind: record.KindEmail},
			{Name: "firstname", Common: "first_name", Kind: record.KindText},
			{Name: "lastname", Common: "last_name", Kind: record.KindText},
			{Name: "note_private", Kind: record.KindText},
			{Name: "array_options.options_segment", Kind: record.KindChoice, Choices: []record.Choice{{Value: "1"}, {Value: "2"}}},
			{Name: "socid", Common: "company", Kind: record.KindReference, To: "thirdparties"},
		},
	}
	right = record.Object{
		Name: "contacts", Common: "contact", Create: true, Update: true, Archive: true, Restore: true, Deletes: record.EvidenceBin,
		Fields: []record.Field{
			{Name: "email", Common: "email", Kind: record.KindEmail},
			{Name: "firstname", Common: "first_name", Kind: record.KindText},
			{Name: "lastname", Common: "last_name", Kind: record.KindText},
			{Name: "notes", Kind: record.KindText, Custom: true},
			{Name: "full_name", Kind: record.KindText, Custom: true},
			{Name: "segment", Kind: record.KindChoice, Custom: true, Choices: []record.Choice{{Value: "vip"}, {Value: "trade"}}},
			{Name: "associatedcompanyid", Common: "company", Kind: record.KindReference, To: "companies"},
		},
	}
	return left, right
}
