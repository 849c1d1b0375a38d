package plan

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const consoleFile = `version: 1
console:
  oidc:
    issuer: https://login.example.com/realms/main/
    client_id: tandem
    client_secret: ${secret:oidc}
    roles: { hub-admins: admin, "sales team": user }
connections:
  erp:
    system: dolibarr
    url: https://erp.example.com/api/index.php
    api_key: ${DOLIBARR_API_KEY}
`

func TestAnIdentityProviderIsConfigured(t *testing.T) {
	t.Parallel()
	p, problems, _ := parseVault(consoleFile, fakeVault{"oidc": "hush-hush-hush"}, nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := &OIDC{
		Issuer: "https://login.example.com/realms/main/", ClientID: "tandem", Secrets: Secrets{ClientSecret: "hush-hush-hush"}, Groups: "groups",
		Roles: map[string]string{"hub-admins": "admin", "sales team": "user"},
	}
	if diff := cmp.Diff(want, p.Console.OIDC); diff != "" {
		t.Error(diff)
	}
	// Invariant 9.
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		for _, x := range []any{p.Console, p.Console.OIDC, *p.Console.OIDC, p} {
			if text := fmt.Sprintf(format, x); strings.Contains(text, "hush-hush") {
				t.Errorf("%s: %s", format, text)
			}
		}
	}
	o, problems := ParseOutline("tandem.yaml", []byte(consoleFile), testEnv)
	if diff := cmp.Diff(map[string][]string{"oidc": {"console"}}, o.Uses); diff != "" || len(problems) > 0 {
		t.Errorf("who uses the secret: %s %v", diff, problems)
	}
	if p, problems, _ := parseVault(strings.Split(consoleFile, "console:")[0]+"connections:"+strings.Split(consoleFile, "connections:")[1], nil, nil); len(problems) > 0 || p.Console.OIDC != nil {
		t.Errorf("without one: %v", problems)
	}
}
