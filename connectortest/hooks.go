package connectortest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
	"github.com/tandemhub/tandem/twin"
)

// hook is the address at which the vendor is to call.
const hook = "https://hub.example.com/hooks/test/5q2n7kxw"

// hookScenarios concern what the vendor sends by itself. They are part of a suite only if
// the connector can receive it.
func hookScenarios() []scenario {
	calls := needAll(needSource(), needCalls())
	subscribes := append(slices.Clone(calls), needSubscriber())
	return []scenario{
		{name: "a delivery names what has changed", needs: calls, run: deliveryNames},
		{name: "a wrong signature is unauthorized", needs: calls, run: wrongSignature},
		{name: "garbage is refused", run: garbageRefused},
		{name: "subscribing twice leaves one", needs: subscribes, run: subscribeTwice},
		{name: "unsubscribing removes only ours", needs: subscribes, run: unsubscribeOurs},
	}
}

// receives reports whether the connector understands what its vendor sends. It opens one,
// which touches no network.
func (s Suite) receives() bool {
	tw := s.Twin(twin.Options{Version: s.Version})
	o := rest.OpenOptions{Settings: connector.Settings{}, Secrets: map[string]string{}, URL: s.URL, Transport: twin.Transport(tw)}
	s.fill(&o, tw.Settings())
	able, handle, err := rest.Open(s.Spec, o)
	if err != nil {
		return false // the scenarios of the connection say why
	}
	handle.Close()
	return able.Receiver != nil
}

// The needs of these scenarios.

func needCalls() need {
	return unless("hooks", "the twin calls nobody", func(b *Bench) bool {
		_, ok := b.Twin.(twin.Notifier)
		return ok && (b.Subscriber != nil || b.suite.Aim != nil)
	})
}

func needSubscriber() need {
	return unless("subscribe", "the vendor cannot be asked to call", func(b *Bench) bool { return b.Subscriber != nil })
}

// A posted is one request that the vendor sent.
type posted struct {
	method, url string
	header      http.Header
	body        []byte
}

// A postbox takes what the vendor sends.
type postbox struct{ got []posted }

// RoundTrip takes a request and thanks for it.
func (p *postbox) RoundTrip(r *http.Request) (*http.Response, error) {
	x := posted{method: r.Method, url: r.URL.String(), header: r.Header.Clone()}
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		x.body = body
	}
	p.got = append(p.got, x)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

// aim makes the vendor call an address.
func (b *Bench) aim(address string) {
	b.Helper()
	if b.Subscriber == nil {
		if err := b.suite.Aim(b.Twin, address); err != nil {
			b.Fatalf("aim: %v", err)
		}
		return
	}
	b.subscribe(address)
}

func (b *Bench) subscribe(address string) {
	b.Helper()
	objects := make([]string, 0, len(b.suite.Objects))
	for _, o := range b.suite.Objects {
		objects = append(objects, o.Name)
	}
	renew, err := b.Subscriber.Subscribe(b.ctx, address, objects)
	if b.note(err); err != nil {
		b.Fatalf("subscribe: %v", err)
	}
	if !renew.IsZero() && !renew.After(time.Now()) {
		b.Errorf("a subscription that holds until %v, which is no time from now", renew)
	}
}

// deliver has the vendor send what has happened.
func (b *Bench) deliver(f twin.HookFaults) []posted {
	b.Helper()
	box := &postbox{}
	n, ok := b.Twin.(twin.Notifier)
	if !ok {
		b.Fatalf("the twin calls nobody")
	}
	if _, err := n.Deliver(b.ctx, box, f); err != nil {
		b.Fatalf("deliver: %v", err)
	}
	return box.got
}

// receive hands one request to the connector.
func (b *Bench) receive(p posted) (connector.Delivery, error) {
	b.Helper()
	r, err := http.NewRequestWithContext(context.WithoutCancel(b.ctx), p.method, p.url, bytes.NewReader(p.body))
	if err != nil {
		b.Fatalf("a request that is none: %v", err)
	}
	r.Header = p.header.Clone()
	d, err := b.Receiver.Receive(time.Now(), r, p.body)
	b.note(err)
	return d, err
}

// understood hands requests to the connector, which has to accept them, and returns the hints.
func (b *Bench) understood(all []posted) []record.Ref {
	b.Helper()
	var hints []record.Ref
	for _, p := range all {
		d, err := b.receive(p)
		if err != nil {
			b.Fatalf("a genuine delivery is refused: %v", err)
		}
		for _, h := range d.Hints {
			hints = append(hints, b.meant(h)...)
		}
	}
	return hints
}

// meant finds the records that a hint is about, as the hub does where the vendor names them
// by a value.
func (b *Bench) meant(hint record.Ref) []record.Ref {
	b.Helper()
	field, value, ok := connector.Sought(hint)
	if !ok {
		return []record.Ref{hint}
	}
	var refs []record.Ref
	found, err := b.Finder.Find(b.ctx, hint.Object, field, []string{value})
	if b.note(err); err != nil {
		b.Fatalf("find what a hint names: %v", err)
	}
	for _, r := range found {
		refs = append(refs, r.Ref)
	}
	return refs
}

func deliveryNames(b *Bench) {
	b.prepare()
	b.aim(hook)
	b.Twin.Kit().Ledger().Forget()
	ids := []string{b.put(), b.put()}
	b.later()
	hints := b.understood(b.deliver(twin.HookFaults{}))
	for _, id := range ids {
		if !slices.Contains(hints, record.Ref{Object: b.shape.Name, ID: id}) {
			b.Errorf("the hints %v do not name %s, which was made", hints, id)
		}
	}
	for _, h := range hints {
		if !slices.ContainsFunc(b.Twin.Kit().Ledger().Acts(), func(a twin.Act) bool { return a.Object == h.Object && a.ID == h.ID }) {
			b.Errorf("a hint names %v, to which nothing has happened", h)
		}
	}
}

func wrongSignature(b *Bench) {
	b.prepare()
	b.aim(hook)
	b.put()
	b.later()
	forged := b.deliver(twin.HookFaults{Forged: true})
	if len(forged) == 0 {
		b.Fatalf("nothing was delivered")
	}
	_, err := b.receive(forged[0])
	b.want("a delivery with a wrong signature", err, connector.Unauthorized)

	b.put()
	b.later()
	genuine := b.deliver(twin.HookFaults{})
	b.understood(genuine)
	bare := genuine[0]
	bare.header = http.Header{"Content-Type": bare.header["Content-Type"]}
	_, err = b.receive(bare)
	b.want("a delivery without a signature", err, connector.Unauthorized)
	if len(genuine[0].body) > 0 {
		altered := genuine[0]
		altered.body = append(bytes.Clone(altered.body), ' ')
		_, err = b.receive(altered)
		b.want("a delivery that was altered on its way", err, connector.Unauthorized)
	}
}

// garbageRefused sends what no vendor would: nothing of it is understood, and nothing breaks.
func garbageRefused(b *Bench) {
	b.prepare()
	bodies := []string{"", " ", "null", "[]", "{}", "0", `"text"`, "[[[[", `{"a":`, `[{"id":-1},null,7]`, "<html></html>",
		"a=b&c=%zz", "\x00\xff\xfe", strings.Repeat("[", 10000), strings.Repeat(`{"rows":[`, 1000)}
	for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodPut} {
		for _, body := range bodies {
			for _, header := range []http.Header{{}, {"Content-Type": {"application/json"}}, {"Content-Type": {"application/x-www-form-urlencoded"}}} {
				d, err := b.receive(posted{method, hook + "/x?y=%20", header, []byte(body)})
				kind := connector.KindOf(err)
				if err == nil && len(d.Hints) > 0 || err != nil && kind != connector.Invalid && kind != connector.Unauthorized {
					b.Errorf("%s %q: hints %v, error %v; garbage is invalid or unauthorized", method, body, d.Hints, err)
				}
			}
		}
	}
}

func subscribeTwice(b *Bench) {
	b.prepare()
	b.subscribe(hook)
	b.subscribe(hook)
	b.reopen()
	b.prepare()
	b.subscribe(hook)
	id := b.put()
	b.later()
	named := 0
	for _, h := range b.understood(b.deliver(twin.HookFaults{})) {
		if h == (record.Ref{Object: b.shape.Name, ID: id}) {
			named++
		}
	}
	if named != 1 {
		b.Errorf("a change was told of %d times after subscribing three times", named)
	}
}

func unsubscribeOurs(b *Bench) {
	b.prepare()
	const other = "https://other.example.com/hooks/test/9w"
	b.subscribe(hook)
	b.subscribe(other)
	for range 2 { // nothing is left to remove the second time
		err := b.Subscriber.Unsubscribe(b.ctx, hook)
		if b.note(err); err != nil {
			b.Fatalf("unsubscribe: %v", err)
		}
	}
	b.put()
	b.later()
	others := 0
	for _, p := range b.deliver(twin.HookFaults{}) {
		if strings.HasPrefix(p.url, hook) {
			b.Errorf("the vendor still calls %s", hook)
		}
		if strings.HasPrefix(p.url, other) {
			others++
		}
	}
	if others == 0 {
		b.Errorf("the subscription of somebody else is gone")
	}
}
