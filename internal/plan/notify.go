package plan

import (
	"encoding/base64"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Notify says who is told when something is wrong, and of what. It prints without its secrets.
type Notify struct {
	Email   *Email        // nil = nobody by e-mail
	Webhook *Webhook      // nil = no program
	On      []string      // some of NotifyWords
	Queue   int           // more operations than that, and ever more, are a growing queue
	Test    time.Duration // how often each way is tried out; 0 = never
}

// Set reports whether anybody is told anything.
func (n Notify) Set() bool { return n.Email != nil || n.Webhook != nil }

// An Email is a mail server, and who gets mail by it.
type Email struct {
	Server  string // host:port; 465 speaks TLS from the beginning, all others STARTTLS
	User    string // "" = it wants nobody to sign in
	From    string
	To      []string
	Secrets Secrets // password
}

// A Webhook is an address that is called in the manner of https://www.standardwebhooks.com.
type Webhook struct {
	Secrets Secrets // url, which often is a secret by itself, and secret
}

// The secrets of those who are told.
const (
	NotifyPassword = "password"
	NotifyURL      = "url"
	NotifySecret   = "secret"
)

// NotifyWords are what can be told of.
func NotifyWords() []string {
	return []string{"failure", "credential", "silence", "queue", "unusual", "expiry"}
}

const (
	defaultQueue = 1000
	weekly       = 7 * day
)

func defaultNotify() Notify { return Notify{On: NotifyWords(), Queue: defaultQueue, Test: weekly} }

func notifyKeys() []key[Notify] {
	return []key[Notify]{
		{
			name: "email", help: "People who are told by e-mail.", schema: objectSchema(emailKeys()),
			read: func(r *reader, n node, k *Notify) {
				e := &Email{Secrets: Secrets{}}
				readMap(r, n, n.place, "email", emailKeys(), e)
				if (e.User == "") != (e.Secrets[NotifyPassword] == "") {
					r.fail(n.place, "email: user and password belong together")
				}
				k.Email = e
			},
		},
		{
			name: "webhook", help: "A program that is told, in the manner of Standard Webhooks.", schema: objectSchema(webhookKeys()),
			read: func(r *reader, n node, k *Notify) {
				w := &Webhook{Secrets: Secrets{}}
				readMap(r, n, n.place, "webhook", webhookKeys(), w)
				k.Webhook = w
			},
		},
		{
			name: "on", help: "Of what is told: " + strings.Join(NotifyWords(), ", ") + "; default all.",
			schema: schema{"type": "array", "minItems": 1, "items": wordSchema(NotifyWords()...)},
			read:   func(r *reader, n node, k *Notify) { k.On = r.notifyWords(n) },
		},
		{
			name: "queue", help: "How many operations may wait before a queue that grows is told of; default 1000.", schema: schema{"type": "integer", "minimum": 1},
			read: func(r *reader, n node, k *Notify) {
				s, ok := r.text(n)
				if !ok {
					return
				}
				number, err := strconv.Atoi(s)
				if err != nil || number < 1 {
					r.fail(n.place, fmt.Sprintf("queue: %q is no number of operations", shown(n.text)))
					return
				}
				k.Queue = number
			},
		},
		{
			name: "test", help: "How often each way is tried out by a message that says so; default 7d, off for never.", schema: durationSchema(),
			read: func(r *reader, n node, k *Notify) {
				if every, ok := r.duration(n); ok {
					k.Test = every
				}
			},
		},
	}
}

func emailKeys() []key[Email] {
	return []key[Email]{
		{
			name: "server", required: true, help: "The mail server, such as smtp.example.com:587. Port 465 speaks TLS, all others STARTTLS.", schema: textSchema(),
			read: func(r *reader, n node, k *Email) { k.Server = r.hostAndPort(n) },
		},
		{
			name: "from", required: true, help: "The address that mail comes from.", schema: textSchema(),
			read: func(r *reader, n node, k *Email) { k.From = r.mailbox(n) },
		},
		{
			name: "to", required: true, help: "Who is told: an address, or a list of addresses.",
			schema: schema{"anyOf": []any{textSchema(), schema{"type": "array", "minItems": 1, "items": textSchema()}}},
			read: func(r *reader, n node, k *Email) {
				items := n.items
				if n.shape != shapeList {
					items = []node{n}
				}
				if len(items) == 0 {
					r.fail(n.place, "to: name somebody")
				}
				for _, item := range items {
					k.To = append(k.To, r.mailbox(item))
				}
			},
		},
		{
			name: "user", help: "Who signs in at the server; none if it wants nobody to.", schema: textSchema(),
			read: func(r *reader, n node, k *Email) { k.User, _ = r.text(n) },
		},
		{
			name: NotifyPassword, help: "Of that user.", schema: schema{"type": "string", "pattern": variablePattern},
			read: func(r *reader, n node, k *Email) {
				if s, ok := r.secret(n, "SMTP_PASSWORD"); ok {
					k.Secrets[NotifyPassword] = s
				}
			},
		},
	}
}

func webhookKeys() []key[Webhook] {
	return []key[Webhook]{
		{
			name: NotifyURL, required: true, help: "Its address. Many are a secret by themselves, so it is one here.", schema: schema{"type": "string", "pattern": variablePattern},
			read: func(r *reader, n node, k *Webhook) {
				s, ok := r.secret(n, "NOTIFY_URL")
				if !ok {
					return
				}
				u, err := url.Parse(s)
				if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || insecure(s)) {
					r.fail(n.place, "webhook: the url must begin with https://, or lead to this machine")
					return
				}
				k.Secrets[NotifyURL] = s
			},
		},
		{
			name: NotifySecret, required: true, help: `What its calls are signed with, as "whsec_" and 24 to 64 bytes in base64.`, schema: schema{"type": "string", "pattern": variablePattern},
			read: func(r *reader, n node, k *Webhook) {
				s, ok := r.secret(n, "NOTIFY_SECRET")
				if !ok {
					return
				}
				if _, err := SigningKey(s); err != nil {
					r.fail(n.place, "webhook: "+err.Error())
					return
				}
				k.Secrets[NotifySecret] = s
			},
		},
	}
}

// SigningKey returns the bytes of a secret of Standard Webhooks:
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
func SigningKey(secret string) ([]byte, error) {
	coded, marked := strings.CutPrefix(secret, "whsec_")
	b, err := base64.StdEncoding.DecodeString(coded)
	if !marked || err != nil || len(b) < 24 || len(b) > 64 {
		return nil, fmt.Errorf(`the secret must be "whsec_" and 24 to 64 bytes in base64; "whsec_$(openssl rand -base64 32)" makes one`)
	}
	return b, nil
}

func (r *reader) notifyWords(n node) []string {
	if n.shape != shapeList || len(n.items) == 0 {
		r.fail(n.place, "on must be a list of some of "+strings.Join(NotifyWords(), ", "))
		return nil
	}
	var words []string
	for _, item := range n.items {
		if w, ok := r.word(item, NotifyWords()...); ok && !slices.Contains(words, w) {
			words = append(words, w)
		}
	}
	return words
}

// hostAndPort reads the address of a server that speaks no HTTP.
func (r *reader) hostAndPort(n node) string {
	s, ok := r.text(n)
	if !ok {
		return ""
	}
	host, port, err := net.SplitHostPort(s)
	if number, wrong := strconv.ParseUint(port, 10, 16); err != nil || wrong != nil || host == "" || number == 0 || strings.ContainsAny(host, "/@ ") {
		r.fail(n.place, fmt.Sprintf("%s: %q is no server such as smtp.example.com:587", n.label(), shown(n.text)))
		return ""
	}
	return s
}

// mailbox reads one address of a person.
func (r *reader) mailbox(n node) string {
	s, ok := r.text(n)
	if !ok {
		return ""
	}
	a, err := mail.ParseAddress(s)
	if err != nil || strings.ContainsAny(s, "\r\n") {
		r.fail(n.place, fmt.Sprintf("%s: %q is no e-mail address", n.label(), shown(n.text)))
		return ""
	}
	return a.Address
}

// readNotify checks what needs more than one key.
func (r *reader) readNotify(p pair, into *Notify) {
	readMap(r, p.value, p.place, "notify", notifyKeys(), into)
	if p.value.shape == shapeMap && !into.Set() {
		r.fail(p.place, "notify: say who is told: email, webhook or both")
	}
}

// String names who is told, without secrets.
func (n Notify) String() string {
	var to []string
	if n.Email != nil {
		to = append(to, n.Email.String())
	}
	if n.Webhook != nil {
		to = append(to, n.Webhook.String())
	}
	return "notify " + strings.Join(to, ", ")
}

// String names who gets mail.
func (e Email) String() string { return strings.Join(e.To, ", ") + " by " + e.Server }

// String is the host: the rest of the address is often a secret.
func (w Webhook) String() string { return "webhook at " + w.Host() }

// Host is where the program is.
func (w Webhook) Host() string {
	u, err := url.Parse(w.Secrets[NotifyURL])
	if err != nil {
		return ""
	}
	return u.Host
}
