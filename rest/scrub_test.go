package rest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

func TestScrubbedErrorsStayWhatTheyAre(t *testing.T) {
	t.Parallel()
	s := newScrubber([]string{"", "ab", "key", "key&more"})
	for _, c := range []struct {
		name string
		err  error
		want string
		kind connector.Kind
		is   error
	}{
		{"clean", context.DeadlineExceeded, "context deadline exceeded", connector.Unavailable, context.DeadlineExceeded},
		{"too short to be a secret", errors.New("ab"), "ab", connector.Unavailable, nil},
		{"the longer secret first", errors.New("key&more"), "[secret]", connector.Unavailable, nil},
		{"as in an address", errors.New("?k=key%26more"), "?k=[secret]", connector.Unavailable, nil},
		{"wrapped", fmt.Errorf("key: %w", context.DeadlineExceeded), "[secret]: context deadline exceeded", connector.Unavailable, context.DeadlineExceeded},
		{"net/http's", &url.Error{Op: "Get", URL: "/?k=key", Err: fmt.Errorf("key: %w", context.DeadlineExceeded)},
			`Get "/?k=[secret]": [secret]: context deadline exceeded`, connector.Unavailable, context.DeadlineExceeded},
		{"classified", &connector.Error{Kind: connector.Invalid, Field: "key", Fix: "drop key", Err: errors.New("key")},
			"[secret] (field [secret]); drop [secret]", connector.Invalid, nil},
		{"classified and wrapped", fmt.Errorf("key: %w", &connector.Error{Kind: connector.Invalid, Err: errors.New("key")}),
			"[secret]: [secret]", connector.Invalid, nil},
		{"joined", errors.Join(errors.New("key"), context.Canceled), "[secret]\ncontext canceled", "", context.Canceled},
	} {
		got := s.err(c.err)
		if got.Error() != c.want || connector.KindOf(got) != c.kind || c.is != nil && !errors.Is(got, c.is) {
			t.Errorf("%s: %q of kind %s", c.name, got, connector.KindOf(got))
		}
		var timeout interface{ Timeout() bool }
		if want := errors.Is(c.is, context.DeadlineExceeded); want != (errors.As(got, &timeout) && timeout.Timeout()) {
			t.Errorf("%s: a timeout: %v", c.name, !want)
		}
	}
}

// silentError says nothing of what it wraps.
type silentError struct{ inner []error }

func (silentError) Error() string     { return "something" }
func (w silentError) Unwrap() []error { return w.inner }

func TestNothingCanBeGotOutOfAScrubbedError(t *testing.T) {
	t.Parallel()
	s := newScrubber([]string{"key"})
	hidden := &connector.Error{Kind: connector.Duplicate, Existing: record.Ref{ID: "key"}}
	got := s.err(silentError{[]error{errors.New("x"), &url.Error{Op: "Get", URL: "key", Err: hidden}}})
	var known *connector.Error
	if address, ok := errors.AsType[*url.Error](got); ok {
		t.Errorf("got out %v", address)
	}
	if !errors.As(got, &known) || strings.Contains(known.Existing.ID, "key") {
		t.Errorf("the connector's error is %+v", known)
	}
	if text := fmt.Sprintf("%v %+v %#v", got, got, got); strings.Contains(text, "key") {
		t.Errorf("printed: %s", text)
	}
}

func TestNoSecretsCostNothing(t *testing.T) {
	t.Parallel()
	s := newScrubber([]string{"", "x"})
	err := errors.New("x")
	if s.err(err) != err || s.text("x") != "x" || s.err(nil) != nil { //nolint:errorlint // the very same
		t.Error("something was taken out")
	}
}
