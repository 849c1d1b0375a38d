package rest

import (
	"context"
	"net/http"
)

// signer is what signs a request that is about to be sent.
func (o ClientOptions) signer() func(*http.Request) {
	if o.Tokens == nil {
		return o.Sign
	}
	return func(r *http.Request) {
		if o.Sign != nil {
			o.Sign(r)
		}
		if token, ok := r.Context().Value(tokenKey{}).(string); ok && o.SignWith != nil {
			o.SignWith(r, token)
		}
	}
}

type tokenKey struct{}

// withToken gives a request the token that it is to be signed with.
func withToken(r *http.Request, token string) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), tokenKey{}, token))
}

// tokener has each request signed with a token. It stands before the pace: to get a token
// is a request too, and must not wait for the place that the other one holds.
type tokener struct {
	next   http.RoundTripper
	tokens TokenSource
}

// RoundTrip sends the request, and once more if its token was refused. A refused request
// has done nothing, so this holds for every method.
func (t *tokener) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	if hasOwnCredential(ctx) {
		return t.next.RoundTrip(req)
	}
	token, err := t.tokens.Token(ctx)
	if err != nil {
		closeBody(req)
		return nil, err
	}
	res, err := t.next.RoundTrip(withToken(req, token))
	if err != nil || res.StatusCode != http.StatusUnauthorized {
		return res, err
	}
	renewed, err := t.tokens.Renew(ctx, token)
	if err != nil {
		discard(res)
		return nil, err
	}
	if renewed == "" || req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		return res, nil
	}
	again, err := replay(req, 1, false)
	if err != nil {
		return res, nil //nolint:nilerr // the answer that is there says more
	}
	discard(res)
	return t.next.RoundTrip(withToken(again, renewed))
}
