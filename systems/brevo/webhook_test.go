package brevo

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
	"github.com/tandemhub/tandem/systems/brevo/brevotwin"
	"github.com/tandemhub/tandem/twin"
)

const hookAddress = "https://hub.example.com/hooks/brevo/5q2n7kxw"

// A door hands what Brevo sends to the connector.
type door struct {
	b      *bench
	status int
	hints  []record.Ref
	lost   bool
	errs   []error
}

// RoundTrip takes a request, and answers it as the hub does.
func (d *door) RoundTrip(r *http.Request) (*http.Response, error) {
	var body bytes.Buffer
	if _, err := body.ReadFrom(r.Body); err != nil {
		return nil, err
	}
	got, err := d.b.Receiver.Receive(time.Now(), r, body.Bytes())
	if err != nil {
		d.errs = append(d.errs, err)
	}
	d.hints, d.lost = append(d.hints, got.Hints...), d.lost || got.Lost
	return &http.Response{StatusCode: d.status, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

func (b *bench) deliver(status int, f twin.HookFaults) *door {
	b.T.Helper()
	d := &door{b: b, status: status}
	if _, err := b.twin.Deliver(b.T.Context(), d, f); err != nil {
		b.T.Fatal(err)
	}
	return d
}

func (b *bench) subscribe() {
	b.T.Helper()
	if _, err := b.Subscriber.Subscribe(b.T.Context(), hookAddress, []string{contacts}); err != nil {
		b.T.Fatal(err)
	}
}

func TestAHookWithoutOurTokenIsRefused(t *testing.T) {
	play(t, nil, func(b *bench) {
		t := b.T
		b.subscribe()
		b.put(map[string]string{"email": "ann@example.com"})
		d := b.deliver(401, twin.HookFaults{Forged: true})
		if len(d.errs) != 1 || connector.KindOf(d.errs[0]) != connector.Unauthorized || len(d.hints) > 0 {
			t.Errorf("a forged delivery: %v, hints %v", d.errs, d.hints)
		}
		r, err := http.NewRequest(http.MethodPost, hookAddress, strings.NewReader("[]"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Receiver.Receive(time.Now(), r, []byte("[]")); connector.KindOf(err) != connector.Unauthorized {
			t.Errorf("a delivery without a token: %v", err)
		}
		r.Header.Set("Authorization", "Bearer "+b.Check.(*conn).token())
		for _, garbage := range []string{"", "null!", "{}", "7", "<html>"} {
			if d, err := b.Receiver.Receive(time.Now(), r, []byte(garbage)); connector.KindOf(err) != connector.Invalid || len(d.Hints) > 0 {
				t.Errorf("%q: %v %v", garbage, d, err)
			}
		}
	})
}

// What our own key did is known by the key's name, and is no news.
func TestOwnChangesAreNotReportedBack(t *testing.T) {
	play(t, connector.Settings{settingKeyName: "Tandem"}, func(b *bench) {
		t := b.T
		b.subscribe()
		b.write(create("k", record.Fields{fieldEmail: record.Text("own@example.com")}))
		b.put(map[string]string{"email": "ann@example.com"})
		if d := b.deliver(200, twin.HookFaults{}); !slices.Equal(d.hints, []record.Ref{connector.By(contacts, fieldEmail, "ann@example.com")}) {
			t.Errorf("the hints are %v", d.hints)
		}
	})
}

// Brevo sends up to five hundred events at a time, comes again after 429, and gives up what is
// answered with another error.
func TestHooksComeInBatchesAndAgainWhenBusy(t *testing.T) {
	play(t, nil, func(b *bench) {
		t := b.T
		if Spec().Door.Busy != http.StatusTooManyRequests {
			t.Errorf("busy is answered with %d", Spec().Door.Busy)
		}
		b.subscribe()
		id := b.put(map[string]string{"email": "ann@example.com", "listIds": "2"})
		b.put(map[string]string{"email": "bob@example.com"})
		b.put(map[string]string{"SMS": "+302101234567"})
		if err := b.twin.Unsubscribe(id); err != nil {
			t.Fatal(err)
		}
		b.deliver(429, twin.HookFaults{})
		d := b.deliver(200, twin.HookFaults{Twice: true})
		want := []record.Ref{connector.By(contacts, fieldEmail, "ann@example.com"), connector.By(contacts, fieldEmail, "bob@example.com")}
		if len(d.hints) != 4 || !slices.Equal(d.hints[:2], want) || !d.lost {
			t.Errorf("hints %v, lost %v; a contact without an address is read from the list", d.hints, d.lost)
		}
		if err := b.twin.Remove(contacts, id); err != nil {
			t.Fatal(err)
		}
		b.deliver(500, twin.HookFaults{})
		if d := b.deliver(200, twin.HookFaults{}); len(d.hints) > 0 {
			t.Errorf("what was answered with 500 comes again: %v", d.hints)
		}
	})
}

func TestFortyWebhooksAreAllThereAre(t *testing.T) {
	play(t, nil, func(b *bench) {
		t := b.T
		for i := range 40 {
			if _, err := b.Subscriber.Subscribe(t.Context(), hookAddress+strconv.Itoa(i), []string{contacts}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := b.Subscriber.Subscribe(t.Context(), hookAddress, []string{contacts}); connector.KindOf(err) != connector.Invalid {
			t.Errorf("the forty-first webhook: %v", err)
		}
	})
}

// A machine's tokens are renewed when they end, and a wrong secret is told.
func TestAMachineSignsByItself(t *testing.T) {
	play(t, nil, func(b *bench) {
		t := b.T
		id, secret := b.twin.App()
		able := machineOf(t, b.twin, id, secret)
		for range 2 {
			if _, err := able.Check.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Hour)
		}
		if n := b.twin.Count("POST", tokenPath); n != 2 {
			t.Errorf("%d tokens in two hours", n)
		}
		_, err := machineOf(t, b.twin, id, "wrong").Check.Check(t.Context())
		if e := connector.ErrorOf(err); e.Kind != connector.Unauthorized || e.Fix == "" || strings.Contains(err.Error(), "wrong") {
			t.Errorf("a wrong secret: %v", err)
		}
	})
}

func machineOf(t *testing.T, tw *brevotwin.Account, id, secret string) connector.Abilities {
	t.Helper()
	able, handle, err := rest.Open(Spec(), rest.OpenOptions{
		Settings: connector.Settings{connector.ClientID: id}, Secrets: map[string]string{settingMachine: secret}, Transport: twin.Transport(tw),
	})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(handle.Close)
	return able
}
