package pipedrive

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

// A postbox takes webhooks, hands them to the connector, and answers as the door does.
type postbox struct {
	b     *bench
	hints []record.Ref
	errs  []error
	down  bool
}

// RoundTrip takes one webhook.
func (p *postbox) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	status := http.StatusOK
	if p.down {
		status = http.StatusServiceUnavailable
	} else {
		d, err := p.b.Receiver.Receive(time.Now(), r, body)
		if p.hints = append(p.hints, d.Hints...); err != nil {
			p.errs, status = append(p.errs, err), http.StatusUnauthorized
		}
	}
	return &http.Response{StatusCode: status, Body: http.NoBody, Request: r}, nil
}

// deliver has the company post what happened.
func (p *postbox) deliver(f twin.HookFaults) []int {
	p.b.Helper()
	statuses, err := p.b.company.Deliver(p.b.Context(), p, f)
	if err != nil {
		p.b.Fatal(err)
	}
	return statuses
}

// subscribed is a bench whose company calls the connector.
func subscribed(b *bench) *postbox {
	b.Helper()
	renew, err := b.Subscriber.Subscribe(b.Context(), testHook, nil)
	if err != nil {
		b.Fatal(err)
	}
	if left := time.Until(renew); left <= 0 || left >= 72*time.Hour {
		b.Errorf("renewed in %v; Pipedrive forgets a subscription after three bad days", left)
	}
	return &postbox{b: b}
}

// Only the password tells Pipedrive's calls from others: C6, and R21 for what is read then.
func TestAWebhookWithABadPasswordIsRefused(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		box := subscribed(b)
		b.put(persons, "", "name", "Ann")
		if got := box.deliver(twin.HookFaults{Forged: true}); !slices.Equal(got, []int{401}) {
			b.Errorf("a forged password: %v", got)
		}
		for _, auth := range [][2]string{{"", ""}, {hookUser, ""}, {"admin", "x"}} {
			r, err := http.NewRequest(http.MethodPost, testHook, bytes.NewReader([]byte(`{"meta":{"entity":"person","entity_id":"1"}}`)))
			if err != nil {
				b.Fatal(err)
			}
			r.SetBasicAuth(auth[0], auth[1])
			d, err := b.Receiver.Receive(time.Now(), r, []byte(`{"meta":{"entity":"person","entity_id":"1"}}`))
			if len(d.Hints) > 0 {
				b.Errorf("%v gives hints", auth)
			}
			want(b, "user "+auth[0], err, connector.Unauthorized, connector.ScopeConnection)
		}
		if len(box.hints) > 0 {
			b.Errorf("hints: %v", box.hints)
		}
		if got := box.deliver(twin.HookFaults{}); !slices.Equal(got, []int{200}) || len(box.hints) != 1 { // it is repeated
			b.Errorf("the right one: %v %v", got, box.hints)
		}
	})
}

// A password that somebody chose holds for webhooks that were made by hand, of version 1 too.
func TestAWebhookMadeByHandIsUnderstood(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		secrets := b.company.Settings()
		secrets[settingHook] = "chosen"
		b.open(secrets)
		box := &postbox{b: b}
		if _, err := b.Check.Check(b.Context()); err != nil {
			b.Fatal(err)
		}
		for _, auth := range []string{"chosen", "other"} {
			r, err := http.NewRequest(http.MethodPost, testHook, bytes.NewReader([]byte(`{"v":1,"meta":{"action":"merged","object":"deal","id":7}}`)))
			if err != nil {
				b.Fatal(err)
			}
			r.SetBasicAuth(hookUser, auth)
			if _, err := box.RoundTrip(r); err != nil {
				b.Fatal(err)
			}
		}
		if !slices.Equal(box.hints, refs(deals, "7")) || len(box.errs) != 1 {
			b.Errorf("hints %v, errors %v", box.hints, box.errs)
		}
	})
}

// What a record was merged into is known from the webhook, and stays known (R24).
func TestAMergeIsFollowedAcrossARestart(t *testing.T) {
	t.Parallel()
	for _, backwards := range []bool{false, true} {
		inBubble(t, twin.Options{}, func(b *bench) {
			box := subscribed(b)
			lost, kept := b.put(persons, "", "name", "Anna"), b.put(persons, "", "name", "Ann")
			if c := b.one(persons, lost); c.Fate != connector.Present {
				b.Fatalf("fate %q", c.Fate)
			}
			if err := b.company.Merge(persons, lost, kept); err != nil {
				b.Fatal(err)
			}
			box.deliver(twin.HookFaults{Backwards: backwards, Twice: true})
			for _, id := range []string{lost, kept} {
				if !slices.Contains(box.hints, record.Ref{Object: persons, ID: id}) {
					b.Errorf("no hint of %s: %v", id, box.hints)
				}
			}
			b.open(nil) // who is called is another connection than who reads
			for range 2 {
				got, err := b.Reader.Read(b.Context(), persons, []string{lost, kept})
				if err != nil {
					b.Fatal(err)
				}
				if got[0].Fate != connector.Merged || !slices.Equal(got[0].Into, refs(persons, kept)) || got[0].ID != lost || got[1].Fate != connector.Present {
					b.Errorf("fates %q into %v, %q", got[0].Fate, got[0].Into, got[1].Fate)
				}
				b.open(nil) // a restart
			}
		})
	}
}

// A failing is a state that cannot be reached while it is down.
type failing struct {
	connector.KV
	down bool
}

func (f *failing) Get(ctx context.Context, key string) (string, int64, error) {
	if f.down {
		return "", 0, errors.New("the database is locked")
	}
	return f.KV.Get(ctx, key)
}

// A merge that cannot be stored is not thanked for, so that it comes again. While what was stored cannot be
// read, nobody says that the lost record was deleted: its partner would be (R24).
func TestAMergeIsNeitherLostNorTakenForADeleteWhileTheStateFails(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		state := &failing{KV: b.state}
		b.state = state
		b.open(nil)
		box := subscribed(b)
		lost, kept := b.put(persons, "", "name", "Anna"), b.put(persons, "", "name", "Ann")
		box.deliver(twin.HookFaults{})
		if err := b.company.Merge(persons, lost, kept); err != nil {
			b.Fatal(err)
		}
		thanked := len(box.hints)
		state.down = true
		box.deliver(twin.HookFaults{})
		if len(box.errs) == 0 || len(box.hints) != thanked || connector.KindOf(box.errs[0]) != connector.Unavailable {
			b.Errorf("a merge that was not stored is thanked for: errors %v, hints %v", box.errs, box.hints[thanked:])
		}
		b.open(nil)
		if got, err := b.Reader.Read(b.Context(), persons, []string{lost}); connector.KindOf(err) != connector.Unavailable {
			b.Errorf("the lost one is %+v, %v", got, err)
		}
		state.down = false
	})
}

// Our own merges need no webhook, and may be repeated.
func TestOwnMergesKeepTheRightRecord(t *testing.T) {
	t.Parallel()
	for object, face := range map[string]string{persons: "name", organizations: "name", deals: "title"} {
		inBubble(t, twin.Options{}, func(b *bench) {
			keep := record.Ref{Object: object, ID: b.put(object, "", face, "Stays")}
			lose := record.Ref{Object: object, ID: b.put(object, "", face, "Goes")}
			for range 2 {
				got, err := b.Merger.Merge(b.Context(), keep, []record.Ref{lose})
				if err != nil || got.Ref != keep {
					b.Fatalf("%+v, %v", got, err)
				}
			}
			if c := b.one(object, keep.ID); c.Fields[face].Text() != "Stays" {
				b.Errorf("%s stays as %v", object, c.Fields[face])
			}
			if c := b.one(object, lose.ID); c.Fate != connector.Merged || c.Into[0] != keep {
				b.Errorf("%s: fate %q into %v", object, c.Fate, c.Into)
			}
		})
	}
	inBubble(t, twin.Options{}, func(b *bench) {
		_, err := b.Merger.Merge(b.Context(), record.Ref{Object: leads, ID: "a"}, nil)
		want(b, "leads", err, connector.Unsupported, connector.ScopeObject)
	})
}

// A subscription that Pipedrive removed, or that another credential made, is made anew.
func TestASubscriptionThatWentAwayIsMadeAgain(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		box := subscribed(b)
		box.down = true
		for range 80 { // more than three days
			b.put(persons, "", "name", "Ann")
			time.Sleep(time.Hour)
			box.deliver(twin.HookFaults{})
		}
		if n := b.company.Subscriptions(); n != 0 {
			b.Fatalf("%d subscriptions after three bad days", n)
		}
		box = subscribed(b)
		b.put(persons, "", "name", "Ann")
		if box.deliver(twin.HookFaults{}); len(box.hints) != 1 {
			b.Errorf("hints: %v", box.hints)
		}
		secrets := b.company.Settings()
		secrets[settingHook] = "chosen"
		b.open(secrets)
		box = subscribed(b)
		if n := b.company.Subscriptions(); n != 1 {
			b.Errorf("%d subscriptions", n)
		}
		b.put(persons, "", "name", "Ann")
		if box.deliver(twin.HookFaults{}); len(box.hints) != 1 || len(box.errs) > 0 {
			b.Errorf("hints %v, errors %v", box.hints, box.errs)
		}
	})
}
