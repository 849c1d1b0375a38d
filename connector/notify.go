package connector

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/tandemhub/tandem/record"
)

// A Door says how a vendor that calls us is answered, and what its calls are worth. It is
// part of the Spec. A status of 0 stands for the usual one.
type Door struct {
	OK   int // accepted, and on disk: 0 = 200
	Bad  int // not verified, or for nobody: 0 = 401
	Busy int // cannot be accepted now, to be repeated by the vendor: 0 = 503
	// ReadDelay is how long after a notification the truth can be read: some vendors
	// notify before they commit, some answer from an index that lags.
	ReadDelay time.Duration
	// Budget is how long the vendor waits for an answer; 0 = 5 seconds.
	Budget time.Duration
	// Quiet says how long an active account may be without a notification before that is
	// odd; 0 = notifications are not expected.
	Quiet time.Duration
	Body  int64  // most bytes of one request; 0 = 1 MiB
	Help  string // how an administrator makes the vendor call us; "" if Subscriber does it
}

// A WebhookReceiver understands what its vendor sends to the door.
type WebhookReceiver interface {
	// Receive verifies and decodes one request. It is pure: no network, no store, no clock
	// but the time that it is told. The address of r is the one that the vendor called,
	// with scheme and host as the vendor saw them. An error of kind Unauthorized means that
	// the request is not the vendor's; of kind Invalid, that it cannot be understood.
	Receive(now time.Time, r *http.Request, body []byte) (Delivery, error)
}

// A Delivery is what a notification says. All of it is a hint: the truth is read again.
type Delivery struct {
	Reply *Reply       // what to answer; nil = as the Spec's Door says
	Hints []record.Ref // records that may have changed, been made or have gone; repeated ones are read once; see [By]
	Lost  bool         // the vendor says that it dropped notifications: read on from the cursors
	Ask   *Ask         // the vendor waits for a decision; nil if it does not
}

// byMark begins the id of a hint made by [By]; no vendor's ids begin so.
const byMark = "by:"

// By makes a hint of a record of which the vendor tells the value of a findable field, but
// not the id: the hub finds the record.
func By(object, field, value string) record.Ref {
	return record.Ref{Object: object, ID: byMark + field + "=" + value}
}

// Sought returns the field and the value by which a hint of [By] names its record, and
// whether it is one.
func Sought(hint record.Ref) (field, value string, ok bool) {
	rest, ok := strings.CutPrefix(hint.ID, byMark)
	if !ok {
		return "", "", false
	}
	return strings.Cut(rest, "=")
}

// A Reply is an answer in the vendor's form.
type Reply struct {
	Status int // 0 = the Door's OK
	Header http.Header
	Body   []byte
}

// An Ask is a conversation: the vendor's call is held until the hub has decided, or until
// the Door's Budget is spent, when Answer is called with the zero Decision (C6).
type Ask struct {
	Call   Caller
	Answer func(Decision) Reply
}

// A Caller is a call about which a vendor asks.
type Caller struct {
	ID       string    // of the call at the vendor
	From, To string    // numbers as the vendor writes them
	At       time.Time // when it came in
}

// A Decision is what the hub wants to be done with a call. The zero Decision means "go on
// as if we were absent".
type Decision struct {
	Name   string   // who is calling
	Ring   []string // extensions to ring, in their order
	Reject bool     // do not put the caller through
}

// A Subscriber asks its vendor to call the door. It is used only while serving.
type Subscriber interface {
	// Subscribe sees to it that changes of the objects are reported to the address, and
	// returns until when that holds; the zero time means until it is taken back. It is
	// idempotent: what is there already and right is left as it is.
	Subscribe(ctx context.Context, hook string, objects []string) (renew time.Time, err error)
	// Unsubscribe removes whatever Subscribe made for the address, and nothing of others.
	Unsubscribe(ctx context.Context, hook string) error
}

// A HintWatcher fetches notifications, where no vendor could reach a door of ours.
type HintWatcher interface {
	// WatchHints sends what may have changed in the objects until ctx ends or the feed
	// breaks. It remembers how far it has got in Env.State only when the hints that it sent
	// are on disk. A delivery that has been taken from the channel is not, yet; but the next
	// one is taken only when it is. So behind the last delivery an empty one is sent, which
	// means nothing, and the place is remembered when that has been taken.
	WatchHints(ctx context.Context, objects []string, hints chan<- Delivery) error
}
