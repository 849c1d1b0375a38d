package brevo

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/rest"
	"github.com/tandemhub/tandem/twin"
)

func told(n int) []connector.Event {
	var events []connector.Event
	for i := range n {
		events = append(events, connector.Event{Key: fmt.Sprint("k", i), Name: "order_paid", Person: connector.Person{Email: fmt.Sprintf("ann%d@example.com", i)}})
	}
	return events
}

// What a limit cuts off was not told, and what was told before it is not told again.
func TestEventsBehindALimitAreNotTold(t *testing.T) {
	play(t, nil, func(b *bench) {
		t := b.T
		for _, first := range []bool{true, false} {
			calls := b.twin.Count("POST", "/v3/events")
			b.twin.Inject(twin.Fault{Kind: twin.FaultUnauthorized, Method: "POST", Path: "/v3/events/batch", Times: 1, After: map[bool]int{false: 1}[first]})
			results, err := b.Events.Track(t.Context(), told(250))
			if (err != nil) != first {
				t.Fatalf("track: %v", err)
			}
			for i, res := range results {
				if want := i >= maxEvents; (connector.KindOf(res.Err) == connector.Unauthorized) != want {
					t.Fatalf("event %d: %v", i, res.Err)
				}
			}
			if n := b.twin.Count("POST", "/v3/events") - calls; n != map[bool]int{true: 1, false: 2}[first] {
				t.Errorf("%d calls", n)
			}
		}
	})
}

// answering is a vendor that answers everything alike.
type answering struct{ body string }

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: 202, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader([]byte(a.body))), Request: r,
	}, nil
}

// Of events that go together Brevo may take some and name the others.
func TestEventsThatAreNotTakenAreNamed(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][3]connector.Kind{
		`{"message":"accepted","count":3}`: {},
		`{"message":"accepted","count":2}`: {connector.Ambiguous, connector.Ambiguous, connector.Ambiguous},
		`{"status":"partial","total_events":3,"successful_events":2,"failed_events":1,"errors":[{"eventIndex":[1],"message":"no such contact"}]}`: {
			"", connector.Invalid, "",
		},
		`{"status":"partial","total_events":3,"successful_events":1,"failed_events":2,"errors":[{"eventIndex":[1,9],"message":"no such contact"}]}`: {
			connector.Ambiguous, connector.Ambiguous, connector.Ambiguous,
		},
	} {
		able, handle, err := rest.Open(Spec(), rest.OpenOptions{Secrets: map[string]string{settingKey: "xkeysib-1"}, Transport: answering{body}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(handle.Close)
		results, err := able.Events.Track(t.Context(), told(3))
		if err != nil {
			t.Fatal(err)
		}
		for i, res := range results {
			if connector.KindOf(res.Err) != want[i] {
				t.Errorf("%s: event %d: %v, want %q", body, i, res.Err, want[i])
			}
		}
	}
}
