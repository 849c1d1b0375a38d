// Package door is everything that vendors open towards us: the handler of
// /hooks/{connection}/{key}, what it accepts and how it answers, and what keeps vendors
// calling. What comes in is a hint and nothing more: it is verified by the connector, kept
// by the store before the vendor is thanked, and acted upon by whoever runs the syncs.
//
// A Door answers; a [Subscription] asks one vendor to call and notices when it falls silent;
// a [Watch] fetches from a vendor that could not reach us. All bring what they get to the same
// place, Door.take, where deliveries that come at the same time share one transaction.
package door

import (
	"context"
	"crypto/subtle"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
)

// A Keeper keeps what was accepted, durably, before it returns.
type Keeper interface {
	TakeHints(ctx context.Context, arrivals []store.Arrival) (doubled map[string]int, err error)
}

// Options are what a door works with.
type Options struct {
	Keeper      Keeper
	Connections []Connection
	// PublicURL is how vendors reach us; signatures cover it. "" = as the request says.
	PublicURL string
	// Decide answers vendors that ask and wait. It must heed its context, which ends in time
	// for the vendor. nil = we know nothing about calls.
	Decide func(ctx context.Context, connection string, c connector.Caller) connector.Decision
	// Stored is told when something has been kept, and whether a connection lost notifications.
	Stored func(lost bool)
	Count  func(connection string, what Outcome, n int) // nil = nobody counts
	Log    *slog.Logger                                 // nil = silent
	Tracer trace.Tracer                                 // nil = nothing is traced
	Body   int64                                        // most bytes of a request; 0 = 1 MiB
	Most   int                                          // most requests at a time; beyond them the door is busy; 0 = 512
}

// A Connection is one account whose vendor may call.
type Connection struct {
	Name     string
	Key      string // that its address ends with
	Door     connector.Door
	Objects  []string                  // whose hints are wanted; others are left out
	Receiver connector.WebhookReceiver // nil = the connection cannot be used now: the door is busy
	// Host, if it is not nil, answers all requests instead. Each gets an Exchange of its own.
	Host     connector.Host
	Exchange func() (connector.Exchange, error)
}

// An Outcome is what became of a delivery.
type Outcome string

// The outcomes.
const (
	Accepted  Outcome = "accepted"  // and kept
	Duplicate Outcome = "duplicate" // a hint of a record of which one was waiting
	Refused   Outcome = "refused"   // not the vendor's, or not to be understood
	Busy      Outcome = "busy"      // cannot be kept now
	Unknown   Outcome = "unknown"   // for no connection, or with a wrong key
)

const (
	defaultBody   = 1 << 20
	defaultMost   = 512
	defaultBudget = 5 * time.Second
	// sampling is how often the log tells that a connection's deliveries are refused.
	sampling = time.Minute
)

// A Door takes what vendors send. It is an http.Handler for /hooks/.
type Door struct {
	o       Options
	rooms   map[string]*room
	slots   chan struct{}
	in      chan *parcel
	urgent  chan struct{} // something was lost: to be kept at once
	counted chan struct{} // something was counted: to be kept soon
	stop    chan struct{}
	stopped chan struct{}
	closed  sync.Once
	active  sync.WaitGroup

	mu       sync.Mutex
	draining bool
	loose    map[string]*store.Arrival // what was counted and is not kept yet
	told     map[string]time.Time      // when the log last told of refusals
}

type room struct {
	Connection
	wants map[string]bool
	turn  chan struct{} // holds one while a visit is answered
}

// New makes a door. Run serves what it accepts.
func New(o Options) *Door {
	if o.Body == 0 {
		o.Body = defaultBody
	}
	if o.Most == 0 {
		o.Most = defaultMost
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Tracer == nil {
		o.Tracer = noop.NewTracerProvider().Tracer("")
	}
	if o.Count == nil {
		o.Count = func(string, Outcome, int) {}
	}
	if o.Stored == nil {
		o.Stored = func(bool) {}
	}
	d := &Door{
		o: o, rooms: map[string]*room{}, slots: make(chan struct{}, o.Most), in: make(chan *parcel, o.Most),
		urgent: make(chan struct{}, 1), counted: make(chan struct{}, 1), stop: make(chan struct{}), stopped: make(chan struct{}),
		loose: map[string]*store.Arrival{}, told: map[string]time.Time{},
	}
	for _, c := range o.Connections {
		if c.Door.Budget == 0 {
			c.Door.Budget = defaultBudget
		}
		if c.Door.Body == 0 {
			c.Door.Body = o.Body
		}
		r := &room{Connection: c, wants: map[string]bool{}, turn: make(chan struct{}, 1)}
		for _, object := range c.Objects {
			r.wants[object] = true
		}
		d.rooms[c.Name] = r
	}
	return d
}

// Address returns where a connection's vendor calls.
func Address(publicURL, connection, key string) string {
	return strings.TrimRight(publicURL, "/") + "/hooks/" + url.PathEscape(connection) + "/" + key
}

// ServeHTTP answers one request of a vendor.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	if r.Method != http.MethodPost && r.Method != http.MethodGet && r.Method != http.MethodPut {
		w.Header().Set("Allow", "GET, POST, PUT")
		reply(w, connector.Reply{Status: http.StatusMethodNotAllowed})
		return
	}
	at := d.find(r.URL)
	if at == nil {
		// Nobody learns whether it was the name or the key that is wrong.
		d.o.Count("", Unknown, 1)
		reply(w, connector.Reply{Status: http.StatusNotFound})
		return
	}
	ctx, w, end := d.trace(r.Context(), at, r.Method, w)
	defer end()
	if !d.enter() {
		reply(w, d.busy(at, began))
		return
	}
	defer d.leave()
	ctx, cancel := context.WithTimeout(ctx, at.Door.Budget-min(at.Door.Budget/5, 500*time.Millisecond))
	defer cancel()
	if at.Host != nil {
		d.host(ctx, at, w, r, began)
		return
	}
	reply(w, d.answer(ctx, at, w, r, began))
}

// find returns the connection that an address names, if its key is right.
func (d *Door) find(u *url.URL) *room {
	name, rest, _ := strings.Cut(strings.TrimPrefix(u.EscapedPath(), "/hooks/"), "/")
	key, _, _ := strings.Cut(rest, "/")
	if plain, err := url.PathUnescape(name); err == nil {
		name = plain
	}
	at, known := d.rooms[name]
	want := "there is no such connection"
	if known {
		want = at.Key
	}
	if same := subtle.ConstantTimeCompare([]byte(want), []byte(key)) == 1; !known || !same || want == "" {
		return nil
	}
	return at
}

// enter takes one of the slots; it reports false if none is free or the door is closing.
func (d *Door) enter() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.draining {
		return false
	}
	select {
	case d.slots <- struct{}{}:
		d.active.Add(1)
		return true
	default:
		return false
	}
}

func (d *Door) leave() {
	<-d.slots
	d.active.Done()
}

// answer takes one request in and returns what the vendor is told.
func (d *Door) answer(ctx context.Context, at *room, w http.ResponseWriter, r *http.Request, began time.Time) connector.Reply {
	if at.Receiver == nil {
		return d.busy(at, began)
	}
	body, failed := d.body(at, w, r, began)
	if failed != nil {
		return *failed
	}
	delivery, err := at.Receiver.Receive(began, d.asCalled(r), body)
	switch kind := connector.KindOf(err); {
	case err == nil:
	case kind == connector.Unauthorized || kind == connector.Invalid:
		d.refused(at, began, err)
		return connector.Reply{Status: status(at.Door.Bad, http.StatusUnauthorized)}
	default:
		d.o.Log.Warn("a delivery could not be looked at", "connection", at.Name, "error", err)
		return d.busy(at, began)
	}
	if err := d.take(ctx, at, delivery, began); err != nil {
		return d.busy(at, began)
	}
	switch {
	case delivery.Ask != nil:
		return at.thanks(d.decide(ctx, at, delivery.Ask))
	case delivery.Reply != nil:
		return at.thanks(*delivery.Reply)
	default:
		return at.thanks(connector.Reply{})
	}
}

// body reads a request to its end, or returns what to answer if that cannot be.
func (d *Door) body(at *room, w http.ResponseWriter, r *http.Request, began time.Time) ([]byte, *connector.Reply) {
	// A vendor sends at once; whoever dribbles would hold a slot. In process there is no deadline.
	_ = http.NewResponseController(w).SetReadDeadline(began.Add(at.Door.Budget))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, at.Door.Body))
	if err == nil {
		return body, nil
	}
	failed := connector.Reply{Status: http.StatusRequestEntityTooLarge}
	if _, large := errors.AsType[*http.MaxBytesError](err); large && status(at.Door.Busy, http.StatusServiceUnavailable)/100 != 2 {
		d.refused(at, began, err)
	} else {
		failed = d.busy(at, began)
	}
	return nil, &failed
}

// asCalled returns the request with the address that the vendor called: a proxy in front of us
// has changed scheme, host and maybe the beginning of the path, and signatures cover them.
// What the proxy adds to the header is no proof of anything and is not looked at.
func (d *Door) asCalled(r *http.Request) *http.Request {
	base := d.o.PublicURL
	if base == "" {
		base = "http://" + r.Host
		if r.TLS != nil {
			base = "https://" + r.Host
		}
	}
	full := strings.TrimRight(base, "/") + r.URL.EscapedPath()
	if r.URL.RawQuery != "" {
		full += "?" + r.URL.RawQuery
	}
	u, err := url.Parse(full)
	if err != nil {
		return r // the connector will find that the signature does not fit
	}
	seen := r.Clone(r.Context())
	seen.URL, seen.Host, seen.Body = u, u.Host, http.NoBody
	return seen
}

// thanks fills in the status of an accepted delivery.
func (at *room) thanks(r connector.Reply) connector.Reply {
	r.Status = status(r.Status, status(at.Door.OK, http.StatusOK))
	return r
}

func status(given, usual int) int {
	if given == 0 {
		return usual
	}
	return given
}

// decide asks within the vendor's time. If there is none left, the answer is that of
// somebody who was not there (C6).
func (d *Door) decide(ctx context.Context, at *room, ask *connector.Ask) connector.Reply {
	if d.o.Decide == nil {
		return ask.Answer(connector.Decision{})
	}
	decided := make(chan connector.Decision, 1)
	go func() { decided <- d.o.Decide(ctx, at.Name, ask.Call) }()
	select {
	case decision := <-decided:
		return ask.Answer(decision)
	case <-ctx.Done():
		return ask.Answer(connector.Decision{})
	}
}

// busy tells the vendor to come again. If the vendor is to be told that all is well, because it
// would punish its user for anything else, nothing will come again: then the connection
// has lost something, and is read on from its cursors.
func (d *Door) busy(at *room, now time.Time) connector.Reply {
	code := status(at.Door.Busy, http.StatusServiceUnavailable)
	lost := code/100 == 2
	d.o.Count(at.Name, Busy, 1)
	d.note(at.Name, store.Arrival{At: now, Busy: 1, Lost: lost})
	r := connector.Reply{Status: code, Header: http.Header{}}
	if !lost {
		r.Header.Set("Retry-After", "5")
	}
	return r
}

// refused counts what is not the vendor's, and tells the log from time to time.
func (d *Door) refused(at *room, now time.Time, err error) {
	d.o.Count(at.Name, Refused, 1)
	d.note(at.Name, store.Arrival{At: now, Refused: 1})
	if d.tell(at.Name, now) {
		d.o.Log.Warn("a delivery was refused; further ones are told of once a minute", "connection", at.Name, "error", err)
	}
}

// tell reports whether the log is to tell of a connection's troubles, and notes that it does.
func (d *Door) tell(connection string, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	tell := now.Sub(d.told[connection]) >= sampling
	if tell {
		d.told[connection] = now
	}
	return tell
}

// reply writes an answer. One without a body has none: some vendors keep what they are told.
func reply(w http.ResponseWriter, r connector.Reply) {
	for name, values := range r.Header {
		w.Header()[http.CanonicalHeaderKey(name)] = values
	}
	if len(r.Body) > 0 && w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Length", strconv.Itoa(len(r.Body)))
	w.WriteHeader(status(r.Status, http.StatusOK))
	_, _ = w.Write(r.Body) // a caller that has gone needs no answer
}
