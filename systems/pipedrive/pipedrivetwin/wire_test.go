package pipedrivetwin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/twin"
)

// An exchange is one documented call, with what has to be there before; or one delivery of
// a webhook.
type exchange struct {
	Setup    []act
	Twin     *bool
	Delivery bool
	Nth      int
	Request  struct {
		Method, Path string
		Token        *string
		Body         json.RawMessage
		Form         map[string]string
		Upload       map[string]string // a form with a file
		Basic        bool
	}
	Response struct {
		Status  int
		Headers map[string]string
		HTML    string
		Body    json.RawMessage
	}
	Unknowns int // how much of the call the twin does not know, on purpose
}

// An act is one thing that happened before.
type act struct {
	Put, Remove, Merge, Field, Revoke, Hook, Wait, Spend, Grant, Redeem string
	Attach                                                              string
	ID, Keep, Lose, Name, Kind                                          string
	Options                                                             []string
	Fields                                                              map[string]string
	Calls                                                               int
	Deliver                                                             bool
}

func TestTwinAnswersAsDocumented(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../testdata/wire/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no exchanges: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var x exchange
		if err := json.Unmarshal(text, &x); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if x.Twin != nil && !*x.Twin {
			continue // the twin does not play this
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { replay(t, x) })
		})
	}
}

// A player is a company with what was heard of it.
type player struct {
	*testing.T
	company *Company
	refresh string
}

func replay(t *testing.T, x exchange) {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Athens")
	if err != nil {
		t.Fatal(err)
	}
	p := &player{T: t, company: New(twin.Options{Zone: zone}).(*Company)}
	for _, s := range x.Setup {
		if err := p.prepare(s); err != nil {
			t.Fatal(err)
		}
	}
	if x.Delivery {
		box := &postbox{}
		if _, err := p.company.Deliver(t.Context(), box, twin.HookFaults{}); err != nil || len(box.bodies) <= x.Nth {
			t.Fatalf("%d deliveries, %v", len(box.bodies), err)
		}
		p.compare(x.Request.Body, box.bodies[x.Nth])
		return
	}
	res, body := p.call(x)
	if res.StatusCode != x.Response.Status {
		t.Fatalf("status %d, want %d: %s", res.StatusCode, x.Response.Status, body)
	}
	for name, want := range x.Response.Headers {
		if got := res.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	switch {
	case x.Response.HTML != "":
		if !strings.Contains(string(body), x.Response.HTML) || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
			t.Errorf("no web page of %s: %s", x.Response.HTML, body)
		}
	case len(x.Response.Body) > 0:
		p.compare(x.Response.Body, body)
	}
	if u := p.company.Unknowns(); len(u) != x.Unknowns {
		t.Errorf("unknown to the twin: %v", u)
	}
}

// compare holds an answer against the documented one.
func (p *player) compare(documented, got []byte) {
	p.Helper()
	var want, have any
	if err := json.Unmarshal(documented, &want); err != nil {
		p.Fatal(err)
	}
	if err := json.Unmarshal(got, &have); err != nil {
		p.Fatalf("no JSON: %v: %s", err, got)
	}
	for _, d := range differences("", want, have) {
		p.Error(d)
	}
}

func (p *player) prepare(s act) error {
	p.Helper()
	c := p.company
	switch {
	case s.Put != "":
		_, err := c.Put(s.Put, s.ID, s.Fields)
		return err
	case s.Attach != "":
		_, err := c.Attach(s.Attach, s.ID, s.Name, []byte("card"))
		return err
	case s.Remove != "":
		return c.Remove(s.Remove, s.ID)
	case s.Merge != "":
		return c.Merge(s.Merge, s.Lose, s.Keep)
	case s.Field != "":
		_, err := c.AddField(s.Field, s.Name, s.Kind, s.Options...)
		return err
	case s.Revoke != "":
		c.Revoke(s.Revoke)
	case s.Wait != "":
		d, err := time.ParseDuration(s.Wait)
		time.Sleep(d)
		return err
	case s.Spend != "":
		left, err := strconv.Atoi(s.Spend)
		c.Spend(left)
		return err
	case s.Deliver:
		_, err := c.Deliver(p.Context(), &postbox{}, twin.HookFaults{})
		return err
	}
	return p.prepareCalls(s)
}

// prepareCalls does what only calls can do.
func (p *player) prepareCalls(s act) error {
	p.Helper()
	var x exchange
	switch {
	case s.Hook != "":
		version := s.Name
		if version == "" {
			version = "2.0"
		}
		x.Request.Method, x.Request.Path = "POST", "/api/v1/webhooks"
		x.Request.Body = fmt.Appendf(nil, `{"subscription_url":%q,"event_action":"*","event_object":"*","name":"Tandem 00000000",
			"http_auth_user":"tandem","http_auth_password":"secret","version":%q}`, s.Hook, version)
	case s.Grant != "":
		x.Request.Method, x.Request.Path = "GET", "/oauth/authorize?client_id="+clientID+"&redirect_uri="+url.QueryEscape(s.Grant)
	case s.Redeem != "":
		x.Request.Method, x.Request.Path, x.Request.Basic = "POST", "/oauth/token", true
		x.Request.Form = map[string]string{"grant_type": "authorization_code", "code": s.Redeem, "redirect_uri": "http://127.0.0.1/cb"}
		_, body := p.call(x)
		var tokens struct {
			Refresh string `json:"refresh_token"`
		}
		if err := json.Unmarshal(body, &tokens); err != nil {
			return err
		}
		p.refresh = tokens.Refresh
		return nil
	default:
		x.Request.Method, x.Request.Path = "GET", "/api/v2/persons"
		for range s.Calls {
			p.call(x)
		}
		return nil
	}
	if res, body := p.call(x); res.StatusCode >= 400 {
		return fmt.Errorf("%d %s", res.StatusCode, body)
	}
	return nil
}

func (p *player) call(x exchange) (*http.Response, []byte) {
	p.Helper()
	sent, kind := []byte(x.Request.Body), "application/json"
	if x.Request.Form != nil {
		values := url.Values{}
		for name, v := range x.Request.Form {
			values.Set(name, strings.ReplaceAll(v, "$refresh", p.refresh))
		}
		sent, kind = []byte(values.Encode()), "application/x-www-form-urlencoded"
	}
	if x.Request.Upload != nil {
		sent, kind = p.form(x.Request.Upload)
	}
	req, err := http.NewRequest(x.Request.Method, "https://api.pipedrive.com"+x.Request.Path, bytes.NewReader(sent))
	if err != nil {
		p.Fatal(err)
	}
	if len(sent) > 0 {
		req.Header.Set("Content-Type", kind)
	}
	switch {
	case x.Request.Basic:
		req.SetBasicAuth(clientID, clientSecret)
	case x.Request.Token != nil:
		req.Header.Set("X-Api-Token", *x.Request.Token)
	default:
		req.Header.Set("X-Api-Token", token)
	}
	res, err := twin.Transport(p.company).RoundTrip(req)
	if err != nil {
		p.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		p.Fatal(err)
	}
	return res, text
}

// form is a form with a file in it.
func (p *player) form(upload map[string]string) (body []byte, kind string) {
	p.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, err := w.CreateFormFile("file", upload["file"])
	if err != nil {
		p.Fatal(err)
	}
	_, _ = io.WriteString(part, upload["content"])
	for name, v := range upload {
		if name != "file" && name != "content" {
			_ = w.WriteField(name, v)
		}
	}
	if err := w.Close(); err != nil {
		p.Fatal(err)
	}
	return b.Bytes(), w.FormDataContentType()
}

// A postbox takes deliveries.
type postbox struct {
	bodies [][]byte
	status int
}

// RoundTrip takes one.
func (b *postbox) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	b.bodies = append(b.bodies, body)
	if b.status == 0 {
		b.status = 200
	}
	return &http.Response{StatusCode: b.status, Body: http.NoBody, Request: r}, err
}

// differences compares an answer with the documented one: everything documented has to be
// there; times and what is "*" only has to be something.
func differences(at string, want, got any) []string {
	name := at[strings.LastIndexByte(at, '.')+1:]
	times := []string{
		"add_time", "update_time", "created", "modified", "won_time", "lost_time", "close_time", "stage_change_time", "cc_email",
	}
	if want == "*" || slices.Contains(times, name) {
		if want != nil && got == nil {
			return []string{at + ": not there"}
		}
		return nil
	}
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return []string{fmt.Sprintf("%s: %v, want an object", at, got)}
		}
		var out []string
		for key, v := range w {
			if have, ok := g[key]; ok {
				out = append(out, differences(at+"."+key, v, have)...)
			} else if key != "data" && key != "additional_data" || v != nil {
				out = append(out, at+"."+key+": not there")
			}
		}
		return out
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) < len(w) || len(g) > len(w) && name != "data" && name != "access" {
			return []string{fmt.Sprintf("%s: %v, want %d elements", at, got, len(w))}
		}
		if len(g) > len(w) { // a long list of fields, of which the example shows the first and the last
			g = append(slices.Clone(g[:len(w)-1]), g[len(g)-1])
		}
		var out []string
		for i := range w {
			out = append(out, differences(fmt.Sprintf("%s.%d", at, i), w[i], g[i])...)
		}
		return out
	default:
		if want != got {
			return []string{fmt.Sprintf("%s: %v, want %v", at, got, want)}
		}
		return nil
	}
}
