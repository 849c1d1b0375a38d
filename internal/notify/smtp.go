package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/smtp"
	"strings"
	"time"
)

// An SMTP sends mail by a server. Nothing leaves in the clear, but to this machine.
type SMTP struct {
	Server   string // host:port
	User     string // "" = it wants nobody to sign in
	Password string
	From     string
	To       []string
	At       string         // address of the console; "" = it has none
	Zone     *time.Location // of the times that it says; nil = UTC
	TLS      *tls.Config    // nil = the system's authorities
	Now      func() time.Time
}

// Name is the way.
func (s *SMTP) Name() string { return "email" }

// implicitTLS is the port on which TLS comes first: RFC 8314, section 3.3.
const implicitTLS = "465"

// Send sends one mail to all.
func (s *SMTP) Send(ctx context.Context, m Message) error {
	host, port, err := net.SplitHostPort(s.Server)
	if err != nil {
		return fmt.Errorf("read the server's address: %w", err)
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.Server)
	if err != nil {
		return fmt.Errorf("call %s: %w", s.Server, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if until, has := ctx.Deadline(); has {
		_ = conn.SetDeadline(until) // the context closes it in any case
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.TLS != nil {
		config = s.TLS.Clone()
	}
	config.ServerName = host
	if port == implicitTLS {
		conn = tls.Client(conn, config)
	}
	c, err := smtp.NewClient(conn, host)
	if err != nil {
		return errors.Join(fmt.Errorf("greet %s: %w", s.Server, err), conn.Close())
	}
	defer func() { _ = c.Close() }() // after Quit there is nothing left to close
	if err := s.secure(c, port, conn, config); err != nil {
		return err
	}
	return s.deliver(c, host, m)
}

// secure sees to it that what follows cannot be read on the way.
func (s *SMTP) secure(c *smtp.Client, port string, conn net.Conn, config *tls.Config) error {
	if port == implicitTLS {
		return nil
	}
	if can, _ := c.Extension("STARTTLS"); can {
		if err := c.StartTLS(config); err != nil {
			return fmt.Errorf("encrypt with %s: %w", s.Server, err)
		}
		return nil
	}
	if at, ok := conn.RemoteAddr().(*net.TCPAddr); ok && at.IP.IsLoopback() {
		return nil
	}
	return fmt.Errorf("%s offers no STARTTLS, and nothing is sent in the clear", s.Server)
}

func (s *SMTP) deliver(c *smtp.Client, host string, m Message) error {
	if s.User != "" {
		if err := c.Auth(smtp.PlainAuth("", s.User, s.Password, host)); err != nil {
			return fmt.Errorf("sign in at %s: %w", s.Server, err)
		}
	}
	if err := c.Mail(s.From); err != nil {
		return fmt.Errorf("%s does not take mail from %s: %w", s.Server, s.From, err)
	}
	for _, to := range s.To {
		if err := c.Rcpt(to); err != nil {
			return fmt.Errorf("%s does not take mail to %s: %w", s.Server, to, err)
		}
	}
	w, err := c.Data()
	if err != nil {
		return fmt.Errorf("hand the mail to %s: %w", s.Server, err)
	}
	text, err := s.mail(m)
	if err != nil {
		return err
	}
	if _, err := w.Write(text); err != nil {
		return fmt.Errorf("hand the mail to %s: %w", s.Server, err)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("%s does not take the mail: %w", s.Server, err)
	}
	_ = c.Quit() // it has the mail
	return nil
}

// mail is the message as RFC 5322 has it. Its id is that of the message, so that a mail that was
// sent twice after a lost answer can be told to be one.
func (s *SMTP) mail(m Message) ([]byte, error) {
	_, domain, _ := strings.Cut(s.From, "@")
	var b bytes.Buffer
	for _, h := range [][2]string{
		{"From", s.From}, {"To", strings.Join(s.To, ", ")}, {"Subject", mime.QEncoding.Encode("utf-8", oneLine(m.Subject()))},
		{"Date", s.Now().Format(time.RFC1123Z)}, {"Message-ID", "<" + m.ID + "@" + domain + ">"},
		{"Auto-Submitted", "auto-generated"}, {"MIME-Version", "1.0"},
		{"Content-Type", "text/plain; charset=utf-8"}, {"Content-Transfer-Encoding", "quoted-printable"},
	} {
		b.WriteString(h[0] + ": " + h[1] + "\r\n")
	}
	b.WriteString("\r\n")
	q := quotedprintable.NewWriter(&b)
	_, err := q.Write([]byte(m.Text(s.At, s.Zone)))
	if err = errors.Join(err, q.Close()); err != nil {
		return nil, fmt.Errorf("write the mail: %w", err)
	}
	return b.Bytes(), nil
}

// oneLine keeps vendors' text from being headers.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
