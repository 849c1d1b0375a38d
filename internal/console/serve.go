package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/store"
)

// A visit is one request: who it is from, and what the audit is to say of it.
type visit struct {
	who    account.Principal
	secret string // of the session; "" = none
	from   account.From
	nonce  string
	locale *locale

	target, detail string
	outcome        string // what a handler says; "" = what its answer tells
	by             string // of a public route: who turned out to be there
	noted          bool
}

type visitKey struct{}

// visitOf returns the visit of a request. Every request that reaches a handler has one.
func visitOf(r *http.Request) *visit {
	if v, ok := r.Context().Value(visitKey{}).(*visit); ok {
		return v
	}
	return &visit{}
}

// visitIn returns the visit that an operation of the API is done for.
func visitIn(ctx context.Context) *visit {
	if v, ok := ctx.Value(visitKey{}).(*visit); ok {
		return v
	}
	return &visit{}
}

// noteIn is note for an operation of the API.
func noteIn(ctx context.Context, target, detail string) {
	v := visitIn(ctx)
	v.target, v.detail, v.noted = target, detail, true
}

// note says in the audit what a write was done to.
func note(r *http.Request, target, detail string) {
	v := visitOf(r)
	v.target, v.detail, v.noted = target, detail, true
}

// handler puts the routes behind everything that holds for all of them.
func (c *console) handler(routes []route) (http.Handler, error) {
	mux := http.NewServeMux()
	allowed := map[string][]string{} // the methods of the API's addresses
	for _, x := range routes {
		if x.right == "" {
			return nil, fmt.Errorf("the route %s %s has no right", x.method, x.pattern)
		}
		if x.handler == nil && x.api != nil {
			x.handler = x.api(c.api, x)
		}
		mux.Handle(x.method+" "+x.pattern, c.serve(x))
		if x.api != nil {
			allowed[x.pattern] = append(allowed[x.pattern], x.method)
		}
	}
	for pattern, methods := range allowed {
		mux.Handle(pattern, c.serve(route{right: public, handler: otherMethod(methods)}))
	}
	if err := c.api.finish(); err != nil {
		return nil, err
	}
	mux.Handle("/", c.serve(route{right: public, handler: func(http.ResponseWriter, *http.Request) error { return errNotFound() }}))
	return c.guard(mux), nil
}

// otherMethod says which methods an address of the API takes: programs get them wrong.
func otherMethod(methods []string) handler {
	return func(w http.ResponseWriter, _ *http.Request) error {
		allow := strings.Join(methods, ", ")
		w.Header().Set("Allow", allow)
		return &problem{status: http.StatusMethodNotAllowed, key: "error.method", detail: "this address takes " + allow}
	}
}

// isAPI reports whether a request is for programs: tokens count, and errors are problem+json.
func isAPI(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/api/") }

func writes(r *http.Request) bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodOptions
}

// serve is the one place where it is decided whether a request may be answered.
func (c *console) serve(x route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r, end := c.limit(w, r, x)
		defer end()
		if err := c.admit(r, x); err != nil {
			c.fail(w, r, err)
			return
		}
		if err := c.act(w, r, x); err != nil {
			c.fail(w, r, err)
		}
	})
}

// admit finds out who asks, and returns an error unless they may.
func (c *console) admit(r *http.Request, x route) error {
	v := visitOf(r)
	var err error
	token := bearer(r)
	switch {
	case token != "" && isAPI(r):
		v.who, err = c.accounts.Token(r.Context(), token)
	case byItself(r, x):
		v.secret = c.cookie(r)
		v.who, err = c.accounts.Glance(r.Context(), v.secret)
	default:
		v.secret = c.cookie(r)
		v.who, err = c.accounts.Session(r.Context(), v.secret)
	}
	if err != nil {
		return fmt.Errorf("find out who asks: %w", err)
	}
	v.locale = c.view.locale(r, v.who)
	switch {
	case x.right != public && !v.who.Somebody():
		return errUnknown()
	case x.right != public && !v.who.Can(x.right):
		return errForbidden(v.who, x.right)
	case writes(r) && v.who.Session != 0 && !c.ownForm(r, v.secret):
		return errStale()
	}
	return nil
}

// liveHeader is what static/console.js sends when it asks for a page anew.
const liveHeader = "X-Tandem-Live"

// byItself reports whether an open page asks, and no person: that keeps nobody signed in.
func byItself(r *http.Request, x route) bool {
	return !writes(r) && (x.live || r.Header.Get(liveHeader) != "")
}

// bearer returns the token that a program shows.
func bearer(r *http.Request) string {
	kind, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(kind, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// act calls the handler. What somebody who is known writes stands in the audit before it is
// done, so that nothing is done of which there is no word; how it ended is added afterwards.
func (c *console) act(w http.ResponseWriter, r *http.Request, x route) error {
	if x.audit == "" {
		return x.handler(w, r)
	}
	v := visitOf(r)
	line := store.Audit{At: c.now(), By: v.who.Name, Via: via(v.who), Address: v.from.Address, What: x.audit}
	if v.who.Somebody() {
		id, err := c.hub.Store().AppendAudit(r.Context(), line)
		if err != nil {
			return fmt.Errorf("keep the audit: %w", err)
		}
		line.ID = id
	}
	err := x.handler(w, r)
	c.hub.Bell().Ring() // whoever looks may see something else now
	outcome := v.outcome
	if outcome == "" {
		outcome = outcomeOf(err)
	}
	ctx := context.WithoutCancel(r.Context())
	var noting error
	switch {
	case line.ID != 0:
		noting = c.hub.Store().EndAudit(ctx, line.ID, v.target, v.detail, outcome)
	case v.noted:
		line.By, line.Target, line.Detail, line.Outcome = v.by, v.target, v.detail, outcome
		_, noting = c.hub.Store().AppendAudit(ctx, line)
	}
	if noting != nil {
		c.log.Error("the audit could not be kept", "what", x.audit, "error", noting)
	}
	return err
}

func via(p account.Principal) string {
	if p.Token != "" {
		return "token " + p.Token
	}
	return "console"
}

func outcomeOf(err error) string {
	var p *problem
	switch {
	case err == nil:
		return store.AuditDone
	case errors.As(err, &p) && p.status < http.StatusInternalServerError:
		return store.AuditRefused
	default:
		return store.AuditFailed
	}
}

// fail answers with what went wrong. Only what nobody expected is logged.
func (c *console) fail(w http.ResponseWriter, r *http.Request, err error) {
	p, ok := errors.AsType[*problem](err)
	if !ok {
		if r.Context().Err() != nil && errors.Is(err, context.Canceled) {
			return // nobody waits for the answer
		}
		c.log.Error("a request failed", "method", r.Method, "path", r.URL.Path, "error", err)
		p = &problem{status: http.StatusInternalServerError, key: "error.internal"}
	}
	if p.status == http.StatusUnauthorized && !isAPI(r) {
		c.toLogin(w, r)
		return
	}
	if p.wait > 0 {
		w.Header().Set("Retry-After", fmt.Sprint(p.wait))
	}
	c.view.problem(w, r, p)
}

// toLogin sends a person to where they can sign in, and afterwards back here.
func (c *console) toLogin(w http.ResponseWriter, r *http.Request) {
	to := "/login"
	if fresh, err := c.accounts.NeedsSetup(r.Context()); err == nil && fresh {
		to = "/setup"
	} else if !writes(r) && r.URL.Path != "/" {
		to += "?" + url.Values{"next": {r.URL.RequestURI()}}.Encode()
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// redirect ends a write: the page that shows what came of it, with a notice. The notice is a
// key of the catalogues below "done.".
func (c *console) redirect(w http.ResponseWriter, to, done string) error {
	if done != "" {
		mark := "?"
		if strings.Contains(to, "?") {
			mark = "&"
		}
		to += mark + url.Values{"done": {done}}.Encode()
	}
	w.Header().Set("Location", to) // one of our own addresses, whole: nothing of it is to be made out from the request's
	w.WriteHeader(http.StatusSeeOther)
	return nil
}
