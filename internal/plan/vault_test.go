package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/connector"
)

// A fakeVault holds secrets by name; the value "broken" cannot be read.
type fakeVault map[string]string

func (v fakeVault) Names() []string {
	var names []string
	for name := range v {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (v fakeVault) Secret(name string) (string, bool, error) {
	value, found := v[name]
	if value == "broken" {
		return "", false, errors.New("it is damaged")
	}
	return value, found, nil
}

const vaultFile = `version: 1
key_file: keys/tandem.key
connections:
  crm:
    system: hubspot
    access_token: ${secret:crm-token}
    proxy: http://me:${secret:proxy}@proxy.example.com:3128
  erp:
    system: dolibarr
    url: https://erp.example.com/api/index.php
    api_key: ${DOLIBARR_API_KEY}
database: sqlite:data/tandem.db
`

func parseVault(src string, v Vault, err error) (*Plan, Problems, []string) {
	var asked []string
	p, problems := ParseFrom("conf/tandem.yaml", []byte(src), Sources{Env: testEnv, Vault: func(database, keyFile string) (Vault, error) {
		asked = append(asked, database+" "+keyFile)
		return v, err
	}}, testSpecs())
	return p, problems, asked
}

func TestSecretsOfTheVaultAreLookedUp(t *testing.T) {
	t.Parallel()
	p, problems, asked := parseVault(vaultFile, fakeVault{"crm-token": " " + crmToken + "\n", "proxy": password}, nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if want := []string{"sqlite:conf/data/tandem.db conf/keys/tandem.key"}; !slices.Equal(asked, want) {
		t.Errorf("the vault was opened %q, want %q", asked, want)
	}
	c := p.Connections[0]
	if c.Secrets["access_token"] != crmToken || c.Vaulted["access_token"] != "crm-token" || !strings.Contains(c.Proxy, password) {
		t.Error("the secrets are not those of the vault")
	}
	if p.Connections[1].Vaulted != nil || p.KeyFile != "conf/keys/tandem.key" {
		t.Errorf("erp has %v, the key is in %s", p.Connections[1].Vaulted, p.KeyFile)
	}
	checkQuiet(t, fmt.Sprintf("%v %+v %#v", p, p, p))
}

func TestAFileWithoutSecretsOfTheVaultDoesNotOpenIt(t *testing.T) {
	t.Parallel()
	if _, problems, asked := parseVault(head, nil, errors.New("closed")); len(problems) > 0 || len(asked) > 0 {
		t.Errorf("asked %q, %v", asked, problems)
	}
}

func TestWhatIsWrongWithASecretOfTheVaultIsSaidAtItsLine(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		vault fakeVault
		err   error
		src   string
		want  []string
	}{
		"misspelt": {vault: fakeVault{"crm_token": crmToken, "proxy": password}, want: []string{
			`conf/tandem.yaml:6:19: the vault has no secret crm-token; tandem secret set crm-token puts it there; did you mean "crm_token"?`,
		}},
		"damaged": {vault: fakeVault{"crm-token": "broken", "proxy": password}, want: []string{
			"conf/tandem.yaml:6:19: the secret crm-token cannot be read: it is damaged",
		}},
		"empty": {vault: fakeVault{"crm-token": " ", "proxy": password}, want: []string{"conf/tandem.yaml:6:19: the secret crm-token is empty"}},
		"two lines": {vault: fakeVault{"crm-token": crmToken + "\n" + crmToken, "proxy": password}, want: []string{
			"conf/tandem.yaml:6:19: the secret crm-token holds a line break or another control character",
		}},
		"closed vault, said once": {err: errors.New("key 12ab is wanted"), want: []string{
			"conf/tandem.yaml:6:19: the vault cannot be opened: key 12ab is wanted",
		}},
		"no name": {vault: fakeVault{"proxy": password}, src: strings.Replace(vaultFile, "secret:crm-token", "secret:", 1), want: []string{
			"conf/tandem.yaml:6:19: a secret of the vault is written ${secret:NAME}: a letter, then letters, digits, _ and -",
		}},
		"where it would be shown": {vault: fakeVault{"host": password, "crm-token": crmToken, "proxy": password},
			src: strings.Replace(vaultFile, "erp.example.com", "${secret:host}", 1), want: []string{
				"conf/tandem.yaml:10:10: a secret of the vault can only be the value of a secret setting, or the password of a proxy; here, use an environment variable: ${host}",
			}},
		"the database's own password": {vault: fakeVault{"crm-token": crmToken, "proxy": password},
			src: strings.Replace(vaultFile, "sqlite:data/tandem.db", "postgres://t:${secret:db}@db/t", 1), want: []string{
				"conf/tandem.yaml:12:11: a secret of the vault can only be the value of a secret setting, or the password of a proxy; here, use an environment variable: ${db}",
			}},
		"a key where its file should be": {vault: fakeVault{"crm-token": crmToken, "proxy": password},
			src: strings.Replace(vaultFile, "keys/tandem.key", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", 1), want: []string{
				"conf/tandem.yaml:2:11: key_file must be the path of a file, such as tandem.key",
			}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.src == "" {
				tc.src = vaultFile
			}
			p, problems, _ := parseVault(tc.src, tc.vault, tc.err)
			if p != nil {
				t.Error("it gave a plan")
			}
			if diff := cmp.Diff(strings.Join(tc.want, "\n"), problems.Error()); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			checkQuiet(t, problems.Error())
		})
	}
}

func TestOutlineNeedsNoSecret(t *testing.T) {
	t.Parallel()
	src := vaultFile + "nonsense: true\n"
	got, problems := ParseOutline("conf/tandem.yaml", []byte(src), nil)
	want := Outline{
		Database: "sqlite:conf/data/tandem.db", KeyFile: "conf/keys/tandem.key",
		Uses: map[string][]string{"crm-token": {"crm"}, "proxy": {"crm"}},
	}
	if diff := cmp.Diff(want, got); diff != "" || len(problems) > 0 {
		t.Errorf("%v (-want +got):\n%s", problems, diff)
	}
	if _, problems := ParseOutline("x", []byte("version: 1\ndatabase: mysql://x\n"), nil); !problems.HasErrors() {
		t.Error("a wrong database is no problem")
	}
	if got, _ := ParseOutline("x/y.yaml", []byte("version: 1\n"), nil); got.Database != "sqlite:x/tandem.db" || got.KeyFile != "x/tandem.key" {
		t.Errorf("defaults %+v", got)
	}
}

func TestRenewedTakesTheSecretsOfNow(t *testing.T) {
	t.Parallel()
	v := fakeVault{"crm-token": crmToken, "proxy": password}
	p, problems, _ := parseVault(vaultFile, v, nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	fresh, err := p.Renewed(fakeVault{"crm-token": "renewed\n"}.Secret)
	if err != nil || fresh.Connections[0].Secrets["access_token"] != "renewed" || fresh.Connections[1].Secrets["api_key"] != erpKey {
		t.Errorf("%v, renewed %v", err, fresh)
	}
	if p.Connections[0].Secrets["access_token"] != crmToken {
		t.Error("the plan itself has changed")
	}
	if fresh, err = p.Renewed(fakeVault{}.Secret); err != nil || fresh.Connections[0].Secrets["access_token"] != "" {
		t.Errorf("a secret that was removed: %v", err)
	}
	if _, err = p.Renewed(fakeVault{"crm-token": "broken"}.Secret); err == nil || !strings.Contains(err.Error(), "crm-token of connection crm") {
		t.Errorf("a secret that cannot be read: %v", err)
	}
}

func oauthSpecs() []connector.Spec {
	return []connector.Spec{{
		Name: "acme", Title: "Acme", BaseURL: "https://api.acme.example",
		Auth: []connector.Auth{
			{Setting: "token", Header: "Authorization", Help: "Under Access."},
			{Setting: "client_secret", Header: "Authorization", Prefix: "Bearer ", Help: "Under Apps.", OAuth: func(connector.Settings) connector.OAuth {
				return connector.OAuth{}
			}},
		},
	}}
}

// An OAuth way brings its two settings along, whatever the spec lists.
func TestOAuthSettings(t *testing.T) {
	t.Parallel()
	const begin = "version: 1\nconnections:\n  crm:\n    system: acme\n"
	p, problems := Parse("tandem.yaml", []byte(begin+"    client_id: abc\n    client_secret: ${HUBSPOT_TOKEN}\n"), testEnv, oauthSpecs())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if c := p.Connections[0]; c.Settings["client_id"] != "abc" || c.Secrets["client_secret"] != crmToken {
		t.Errorf("settings %v", c.Settings)
	}
	for src, says := range map[string]string{
		"    client_secret: ${HUBSPOT_TOKEN}\n":      "tandem.yaml:5:5: connection \"crm\" has client_secret without client_id; both belong to the app that you registered at Acme",
		"    client_id: abc\n    client_secret: x\n": "client_secret is a secret and must not stand in the file",
		"": "write token: ${ACME_TOKEN} (Under Access.), or client_id and client_secret: ${ACME_CLIENT_SECRET} (Under Apps.)",
	} {
		if _, problems := Parse("tandem.yaml", []byte(begin+src), testEnv, oauthSpecs()); !strings.Contains(problems.Error(), says) {
			t.Errorf("%q: %v", src, problems)
		}
	}
	b, err := JSONSchema(oauthSpecs())
	if err != nil || !strings.Contains(string(b), `"client_id"`) || !strings.Contains(string(b), `"client_secret"`) {
		t.Errorf("the schema does not know them: %v", err)
	}
}
