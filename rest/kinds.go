package rest

import (
	"net/http"
	"time"

	"github.com/tandemhub/tandem/connector"
)

// DefaultKind returns what an HTTP status means when the vendor says no more; "" if it
// means no error: 2xx, and 304, which answers only who asked for it.
// Statuses: https://www.iana.org/assignments/http-status-codes.
func DefaultKind(status int) connector.Kind {
	switch status {
	case http.StatusNotModified:
		return ""
	case http.StatusUnauthorized, http.StatusProxyAuthRequired:
		return connector.Unauthorized
	case http.StatusPaymentRequired, http.StatusForbidden, http.StatusUnavailableForLegalReasons:
		return connector.Forbidden
	case http.StatusNotFound, http.StatusGone:
		return connector.NotFound
	case http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusUpgradeRequired,
		http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return connector.Unsupported
	case http.StatusConflict, http.StatusPreconditionFailed, http.StatusPreconditionRequired:
		return connector.Conflict
	case http.StatusTooManyRequests:
		return connector.RateLimited
	case http.StatusRequestTimeout, http.StatusMisdirectedRequest, http.StatusLocked,
		http.StatusFailedDependency, http.StatusTooEarly:
		return connector.Unavailable
	}
	switch {
	case status >= 200 && status < 300:
		return ""
	case status >= 400 && status < 500:
		return connector.Invalid
	default: // 5xx; a redirect that was not followed; no status at all
		return connector.Unavailable
	}
}

// defaultError returns the error of an answer by its status alone, nil if it is none.
func defaultError(r *Response, safe bool) *connector.Error {
	kind := DefaultKind(r.Status)
	if kind == "" {
		return nil
	}
	e := &connector.Error{Kind: kind, Scope: defaultScope(kind), Err: r.failure()}
	switch {
	case r.Status == http.StatusProxyAuthRequired:
		e.Fix = "give the proxy's user and password"
	case kind == connector.Unauthorized:
		e.Fix = "renew the credential: the vendor does not accept it"
	case kind == connector.Forbidden:
		e.Fix = "give the credential the right to do this"
	case r.Status >= 300 && r.Status < 400:
		e.Fix = rightAddress
	}
	e.Wait, _ = retryAfter(r.Header, time.Now())
	if !safe && kind == connector.Unavailable && maybeDone(r) {
		e.Kind, e.Scope = connector.Ambiguous, connector.ScopeRecord // R16
	}
	return e
}

// maybeDone reports whether a write may have taken effect before the vendor, or what stands
// before it, gave an answer that says Unavailable.
func maybeDone(r *Response) bool {
	switch r.Status {
	case http.StatusServiceUnavailable:
		return r.Header.Get("Retry-After") == "" // who names the time to come back refused on purpose
	case http.StatusFound, http.StatusSeeOther:
		return true // applications send a browser on to the result of what they did
	default:
		return r.Status >= 500
	}
}

const rightAddress = "is the address right?"

func defaultScope(kind connector.Kind) connector.Scope {
	if kind == connector.Forbidden || kind == connector.Unsupported {
		return connector.ScopeObject
	}
	return widest(kind)
}

// widest is the scope of an error of which nobody says that it reaches less far.
func widest(kind connector.Kind) connector.Scope {
	switch kind {
	case connector.Unavailable, connector.RateLimited, connector.Unauthorized:
		return connector.ScopeConnection
	default:
		return connector.ScopeRecord
	}
}
