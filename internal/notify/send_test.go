package notify

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/tandemhub/tandem/record"
)

func noon() time.Time { return at(0) }

func broken() Message {
	return Message{
		ID: "msg_1", Way: "email", Kind: Failure, Of: "contacts", Since: at(-5), At: at(0),
		What: "connection crm: <script>\r\nBcc: eve@evil.example", Fix: "prüfen Sie den Schlüssel",
	}
}

// The example of the specification's own libraries.
func TestASignatureIsThatOfStandardWebhooks(t *testing.T) {
	t.Parallel()
	key, err := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	got := Sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	if got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Error(got)
	}
}

func TestAWebhookIsCalled(t *testing.T) {
	t.Parallel()
	key, status, calls := []byte("0123456789abcdef01234567"), http.StatusNoContent, 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		h := r.Header
		if h.Get("Webhook-Id") != "msg_1" || h.Get("Webhook-Signature") != Sign(key, "msg_1", h.Get("Webhook-Timestamp"), body) || h.Get("Webhook-Timestamp") != fmt.Sprint(noon().Unix()) {
			t.Errorf("%v", h)
		}
		var got payload
		if err := json.Unmarshal(body, &got); err != nil || got.Type != "alert.opened" || got.Data.Kind != Failure || got.Data.Of != "contacts" || !got.Data.Since.Equal(at(-5)) {
			t.Errorf("%s %v", body, err)
		}
		w.Header().Set("Location", "http://127.0.0.1:1/elsewhere")
		w.WriteHeader(status)
	}))
	defer server.Close()
	w := &Webhook{URL: server.URL + "/very/secret?token=hush", Key: key, Client: server.Client(), Now: noon}
	if err := w.Send(t.Context(), broken()); err != nil {
		t.Error(err)
	}
	status = http.StatusFound // it is followed nowhere
	if err := w.Send(t.Context(), broken()); err == nil || calls != 2 {
		t.Errorf("a redirect: %v", err)
	}
	server.Close()
	// Invariant 9: no error shows the address, which is a secret by itself.
	if err := w.Send(t.Context(), broken()); err == nil || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "hush") {
		t.Errorf("nobody answers: %v", err)
	}
	for kind, want := range map[Kind]string{Test: "alert.test", Silence: "alert.resolved"} {
		if got := w.payload(Message{Kind: kind, Resolved: kind == Silence}); got.Type != want {
			t.Errorf("%s is %s", kind, got.Type)
		}
	}
}

// A postOffice is a mail server for one call.
type postOffice struct {
	t        *testing.T
	listener net.Listener
	tls      *tls.Config // nil = it offers no STARTTLS
	refuses  string      // a recipient that it does not take
	said     chan []string
}

func newPostOffice(t *testing.T, config *tls.Config) *postOffice {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := &postOffice{t: t, listener: listener, tls: config, said: make(chan []string, 1)}
	t.Cleanup(func() { _ = listener.Close() })
	go o.serve()
	return o
}

// serve answers one call as RFC 5321 has it, and notes what was said; a mail is one line of that.
func (o *postOffice) serve() {
	var said []string
	defer func() { o.said <- said }()
	conn, err := o.listener.Accept()
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	r := bufio.NewReader(conn)
	answer := func(line string) { _, _ = io.WriteString(conn, line+"\r\n") }
	answer("220 post.test")
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSpace(line)
		said = append(said, line)
		_, secure := conn.(*tls.Conn)
		switch verb, _, _ := strings.Cut(strings.ToUpper(line), " "); {
		case verb == "EHLO" && o.tls != nil && !secure:
			answer("250-post.test\r\n250 STARTTLS")
		case verb == "EHLO":
			answer("250-post.test\r\n250 AUTH PLAIN")
		case verb == "STARTTLS":
			answer("220 go on")
			conn = tls.Server(conn, o.tls)
			r = bufio.NewReader(conn)
		case verb == "AUTH":
			answer("235 welcome")
		case verb == "RCPT" && o.refuses != "" && strings.Contains(line, o.refuses):
			answer("550 nobody of that name")
		case verb == "DATA":
			answer("354 go on")
			var b strings.Builder
			for {
				line, err := r.ReadString('\n')
				if err != nil || line == ".\r\n" {
					break
				}
				b.WriteString(line)
			}
			said = append(said, b.String())
			answer("250 taken")
		case verb == "QUIT":
			answer("221 bye")
			return
		default:
			answer("250 ok")
		}
	}
}

// certified are the two ends of a TLS that trust each other.
func certified(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return &tls.Config{Certificates: s.TLS.Certificates, MinVersion: tls.VersionTLS12}, &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}

func TestAMailIsSent(t *testing.T) {
	t.Parallel()
	server, client := certified(t)
	o := newPostOffice(t, server)
	s := &SMTP{
		Server: o.listener.Addr().String(), User: "tandem", Password: "hush", From: "tandem@example.com", To: []string{"ann@example.com", "bob@example.com"},
		At: "https://tandem.example.com/", Zone: time.FixedZone("EET", 2*60*60), TLS: client, Now: noon,
	}
	if err := Send(t.Context(), s, broken()); err != nil {
		t.Fatal(err)
	}
	said := <-o.said
	text := strings.Join(said, "\n")
	for _, want := range []string{"STARTTLS", "AUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00tandem\x00hush")), "MAIL FROM:<tandem@example.com>", "RCPT TO:<ann@example.com>", "RCPT TO:<bob@example.com>"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q was not said in\n%s", want, text)
		}
	}
	m, err := mail.ReadMessage(strings.NewReader(said[len(said)-2]))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil || subject != "Tandem: contacts does not succeed" || m.Header.Get("Message-ID") != "<msg_1@example.com>" || m.Header.Get("Auto-Submitted") != "auto-generated" || m.Header.Get("Bcc") != "" {
		t.Errorf("%v %v", m.Header, err)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil || !strings.Contains(string(body), "<script>") || !strings.Contains(string(body), "prüfen Sie den Schlüssel") || !strings.Contains(string(body), "https://tandem.example.com/") || !strings.Contains(string(body), record.Moment(broken().Since, s.Zone)) {
		t.Errorf("%s %v", body, err)
	}
}

func TestWhatIsWrongWithAMailServerIsTold(t *testing.T) {
	t.Parallel()
	server, _ := certified(t)
	for name, x := range map[string]struct {
		tls     *tls.Config
		refuses string
		want    string
	}{
		"a certificate of nobody": {tls: server, want: "encrypt with"},
		"nobody of that name":     {refuses: "bob", want: "does not take mail to bob@example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newPostOffice(t, x.tls)
			o.refuses = x.refuses
			s := &SMTP{Server: o.listener.Addr().String(), From: "tandem@example.com", To: []string{"ann@example.com", "bob@example.com"}, Now: noon}
			if err := Send(t.Context(), s, broken()); err == nil || !strings.Contains(err.Error(), x.want) {
				t.Errorf("%v", err)
			}
			for _, line := range <-o.said {
				if strings.Contains(line, "script") {
					t.Errorf("a mail was sent: %s", line)
				}
			}
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	silent, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	s := &SMTP{Server: silent.Addr().String(), From: "tandem@example.com", To: []string{"ann@example.com"}, Now: noon}
	if err := Send(ctx, s, broken()); err == nil {
		t.Error("a server that says nothing has taken a mail")
	}
}
