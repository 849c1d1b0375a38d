package plan

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const notifyFile = `version: 1
notify:
  email:
    server: smtp.example.com:587
    from: Tandem <tandem@example.com>
    to: [ann@example.com, bob@example.com]
    user: tandem
    password: ${secret:smtp}
  webhook: { url: "${secret:url}", secret: "${secret:sign}" }
  on: [failure, queue]
  queue: 50
  test: off
connections:
  erp:
    system: dolibarr
    url: https://erp.example.com/api/index.php
    api_key: ${DOLIBARR_API_KEY}
`

func notifyVault() fakeVault {
	return fakeVault{"smtp": "hush-hush-hush", "url": "https://hooks.example.com/very/secret/path", "sign": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
}

func TestWhoIsToldIsConfigured(t *testing.T) {
	t.Parallel()
	p, problems, _ := parseVault(notifyFile, notifyVault(), nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := Notify{
		Email: &Email{
			Server: "smtp.example.com:587", User: "tandem", From: "tandem@example.com", To: []string{"ann@example.com", "bob@example.com"},
			Secrets: Secrets{NotifyPassword: "hush-hush-hush"},
		},
		Webhook: &Webhook{Secrets: Secrets{NotifyURL: "https://hooks.example.com/very/secret/path", NotifySecret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}},
		On:      []string{"failure", "queue"}, Queue: 50,
	}
	if diff := cmp.Diff(want, p.Notify); diff != "" {
		t.Error(diff)
	}
	// Invariant 9.
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		for _, x := range []any{p.Notify, p.Notify.Email, *p.Notify.Email, p.Notify.Webhook, *p.Notify.Webhook, p} {
			if text := fmt.Sprintf(format, x); strings.Contains(text, "hush-hush") || strings.Contains(text, "very/secret") || strings.Contains(text, "MfKQ9r8") {
				t.Errorf("%s: %s", format, text)
			}
		}
	}
	o, problems := ParseOutline("tandem.yaml", []byte(notifyFile), testEnv)
	if diff := cmp.Diff(map[string][]string{"smtp": {"notify"}, "url": {"notify"}, "sign": {"notify"}}, o.Uses); diff != "" || len(problems) > 0 {
		t.Errorf("who uses the secrets: %s %v", diff, problems)
	}
	_, rest, _ := strings.Cut(notifyFile, "connections:")
	p, problems, _ = parseVault("version: 1\nconnections:"+rest, nil, nil)
	if len(problems) > 0 || p.Notify.Set() || p.Notify.Queue != 1000 || p.Notify.Test != 7*24*time.Hour || len(p.Notify.On) != len(NotifyWords()) {
		t.Errorf("without: %+v %v", p.Notify, problems)
	}
}

func TestMistakesAboutWhoIsTold(t *testing.T) {
	t.Parallel()
	for _, x := range []struct{ old, is, want string }{
		{"server: smtp.example.com:587", "server: smtp.example.com", "is no server such as smtp.example.com:587"},
		{"server: smtp.example.com:587", "server: smtp.example.com:99999", "is no server"},
		{"to: [ann@example.com, bob@example.com]", "to: [ann]", `"ann" is no e-mail address`},
		{"to: [ann@example.com, bob@example.com]", "to: []", "name somebody"},
		{"    password: ${secret:smtp}\n", "", "user and password belong together"},
		{"password: ${secret:smtp}", "password: hush", "is a secret and must not stand in the file"},
		{"on: [failure, queue]", "on: [failures]", `did you mean "failure"`},
		{"on: [failure, queue]", "on: failure", "on must be a list"},
		{"queue: 50", "queue: 0", "is no number of operations"},
		{"queue: 50", "qeue: 50", `did you mean "queue"`},
		{"test: off", "test: weekly", "is no duration"},
		{`url: "${secret:url}"`, `url: "${secret:plain}"`, "must begin with https://"},
		{`secret: "${secret:sign}"`, `secret: "${secret:smtp}"`, "24 to 64 bytes in base64"},
	} {
		vault := notifyVault()
		vault["plain"] = "http://hooks.example.com/x"
		_, problems, _ := parseVault(strings.Replace(notifyFile, x.old, x.is, 1), vault, nil)
		if text := fmt.Sprint(problems); !strings.Contains(text, x.want) || strings.Contains(text, "hush-hush-hush") {
			t.Errorf("%s: %s", x.is, text)
		}
	}
	_, rest, _ := strings.Cut(notifyFile, "connections:")
	if _, problems, _ := parseVault("version: 1\nnotify: { queue: 5 }\nconnections:"+rest, nil, nil); !strings.Contains(fmt.Sprint(problems), "say who is told") {
		t.Errorf("nobody is told: %v", problems)
	}
}
