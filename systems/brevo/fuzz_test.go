package brevo

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

// FuzzReceive holds that whatever comes with our token is understood or invalid.
func FuzzReceive(f *testing.F) {
	for _, body := range []string{`{"event":"spam","email":"a@x.io"}`, `[{"event":"contact_updated","content":[{"email":7}]}]`, `{}`, `[[`, `null`} {
		f.Add([]byte(body))
	}
	c := &conn{settings: connector.Settings{}, secret: func(string) string { return "key" }}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := http.NewRequest(http.MethodPost, "https://hub.example.com/hooks/brevo/x", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+c.token())
		d, err := c.Receive(time.Now(), r, body)
		if err != nil && (connector.KindOf(err) != connector.Invalid || len(d.Hints) > 0) {
			t.Errorf("%v %v", d, err)
		}
		for _, h := range d.Hints {
			if field, value, ok := connector.Sought(h); !ok || field != fieldEmail || value == "" {
				t.Errorf("the hint %v", h)
			}
		}
	})
}

// FuzzContact holds that any answer makes a record whose numbers and dates are none but such,
// and that what is read can be written again or is refused.
func FuzzContact(f *testing.F) {
	f.Add(`{"id":1,"attributes":{"LTV":1.50,"SMS":"302101234567","GENDER":2,"DAY":"2026-02-28","MANY":["a"]},"createdAt":"2026-11-01T09:30:00.000Z"}`)
	f.Add(`{"id":-1,"attributes":{"LTV":"much","SMS":{},"GENDER":[1],"DAY":true,"MANY":"a"},"createdAt":7}`)
	s := shapeOf(record.Object{Name: contacts, Fields: append(contactFields(),
		record.Field{Name: "LTV", Kind: record.KindNumber}, record.Field{Name: "SMS", Kind: record.KindPhone},
		record.Field{Name: "GENDER", Kind: record.KindChoice, Choices: []record.Choice{{Value: "1", Label: "Female"}}},
		record.Field{Name: "DAY", Kind: record.KindDate}, record.Field{Name: "MANY", Kind: record.KindChoices, Open: true})})
	f.Fuzz(func(t *testing.T, text string) {
		var x contact
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		if d.Decode(&x) != nil {
			return
		}
		r := s.record(x)
		for name, v := range r.Fields {
			encoded, err := encodeValue(s.fields[name], v)
			if _, isNumber := encoded.(json.Number); name == "LTV" && err == nil && !v.IsEmpty() && !isNumber {
				t.Errorf("%s is sent as %v", v, encoded)
			}
		}
	})
}

// FuzzCursor holds that a cursor is ours or expired.
func FuzzCursor(f *testing.F) {
	f.Add(`{"m":"list"}`)
	f.Add(`{"m":"feed","f":1,"o":3,"a":"7"}`)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseCursor(connector.Cursor(text))
		if err != nil {
			if connector.KindOf(err) != connector.Expired {
				t.Errorf("%v", err)
			}
			return
		}
		if again, err := parseCursor(c.encode()); err != nil || again != c {
			t.Errorf("%+v is read again as %+v, %v", c, again, err)
		}
	})
}
