package console

import (
	"context"
	"time"

	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/store"
)

// A personBody is somebody who may sign in.
type personBody struct {
	ID       int64        `json:"id"`
	Name     string       `json:"name"`
	Role     account.Role `json:"role" enum:"viewer,user,operator,admin"`
	Password bool         `json:"password" doc:"whether they can sign in by password"`
	Issuer   string       `json:"issuer,omitempty" doc:"the identity provider that they sign in by"`
	Added    time.Time    `json:"added"`
	Seen     *time.Time   `json:"seen,omitempty" doc:"when they last signed in"`
}

func ofPerson(p account.Person) personBody {
	return personBody{ID: p.ID, Name: p.Name, Role: p.Role, Password: p.Password, Issuer: p.Issuer, Added: p.Made, Seen: moment(p.Seen)}
}

func (c *console) apiPeople(ctx context.Context, _ *nothing) (list[personBody], error) {
	out := list[personBody]{Items: []personBody{}}
	all, err := c.accounts.List(ctx)
	for _, p := range all {
		out.Items = append(out.Items, ofPerson(p))
	}
	return out, err
}

type inviteInput struct {
	Body struct {
		Name     string       `json:"name" doc:"how the person signs in"`
		Role     account.Role `json:"role" enum:"viewer,user,operator,admin"`
		Password string       `json:"password,omitempty" maxLength:"1000" doc:"without one the person signs in by the identity provider"`
	}
}

func (c *console) apiInvite(ctx context.Context, in *inviteInput) (personBody, error) {
	p, err := c.invite(ctx, account.NewUser{Name: in.Body.Name, Role: in.Body.Role, Password: in.Body.Password})
	return ofPerson(p), err
}

type roleInput struct {
	Numbered

	Body struct {
		Role account.Role `json:"role" enum:"viewer,user,operator,admin"`
	}
}

func (c *console) apiRole(ctx context.Context, in *roleInput) (personBody, error) {
	if err := c.setRole(ctx, in.ID, in.Body.Role); err != nil {
		return personBody{}, err
	}
	return c.personBody(ctx, in.ID)
}

type passwordInput struct {
	Numbered

	Body struct {
		Password string `json:"password" maxLength:"1000" doc:"the person is signed out everywhere"`
	}
}

func (c *console) apiPassword(ctx context.Context, in *passwordInput) (personBody, error) {
	if err := c.setPassword(ctx, in.ID, in.Body.Password); err != nil {
		return personBody{}, err
	}
	return c.personBody(ctx, in.ID)
}

func (c *console) personBody(ctx context.Context, id int64) (personBody, error) {
	v := visitIn(ctx)
	detail := v.detail
	p, err := c.person(ctx, id)
	v.detail = detail // what was noted of the write stays
	return ofPerson(p), err
}

// doneBody answers a write of which nothing is left to be told.
type doneBody struct {
	Done bool `json:"done"`
}

func (c *console) apiRemovePerson(ctx context.Context, in *Numbered) (doneBody, error) {
	err := c.remove(ctx, in.ID)
	return doneBody{Done: err == nil}, err
}

// A tokenBody is what is known of a token.
type tokenBody struct {
	ID      int64           `json:"id"`
	Name    string          `json:"name"`
	Rights  []account.Right `json:"rights"`
	Made    time.Time       `json:"made"`
	Expires *time.Time      `json:"expires,omitempty" doc:"absent: it lives until it is revoked"`
	Used    *time.Time      `json:"used,omitempty"`
	Token   string          `json:"token,omitempty" doc:"the token itself, in the answer to its making and never again"`
}

func ofToken(t account.Token) tokenBody {
	return tokenBody{ID: t.ID, Name: t.Name, Rights: t.Rights, Made: t.Made, Expires: moment(t.Expires), Used: moment(t.Used)}
}

func (c *console) apiTokens(ctx context.Context, _ *nothing) (list[tokenBody], error) {
	return c.tokensOf(ctx, visitIn(ctx).who.ID)
}

func (c *console) tokensOf(ctx context.Context, person int64) (list[tokenBody], error) {
	out := list[tokenBody]{Items: []tokenBody{}}
	all, err := c.accounts.Tokens(ctx, person)
	for _, t := range all {
		out.Items = append(out.Items, ofToken(t))
	}
	return out, err
}

func (c *console) apiTokensOf(ctx context.Context, in *Numbered) (list[tokenBody], error) {
	if _, err := c.person(ctx, in.ID); err != nil {
		return list[tokenBody]{}, err
	}
	return c.tokensOf(ctx, in.ID)
}

type tokenOfInput struct {
	Numbered

	Token int64 `path:"token" minimum:"1" doc:"its number"`
}

func (c *console) apiTakeTokenOf(ctx context.Context, in *tokenOfInput) (doneBody, error) {
	_, err := c.person(ctx, in.ID)
	if err == nil {
		err = c.takeToken(ctx, in.ID, in.Token)
	}
	return doneBody{Done: err == nil}, err
}

type tokenInput struct {
	Body struct {
		Name   string          `json:"name" doc:"what it is for"`
		Rights []account.Right `json:"rights" minItems:"1" maxItems:"10" doc:"some of the caller's own"`
		Days   int             `json:"days" minimum:"0" maximum:"3650" doc:"how long it lives; 0: until it is revoked"`
	}
}

func (c *console) apiGiveToken(ctx context.Context, in *tokenInput) (tokenBody, error) {
	word, made, err := c.giveToken(ctx, in.Body.Name, in.Body.Rights, in.Body.Days)
	out := ofToken(made)
	out.Token = word
	return out, err
}

func (c *console) apiTakeToken(ctx context.Context, in *Numbered) (doneBody, error) {
	err := c.takeToken(ctx, visitIn(ctx).who.ID, in.ID)
	return doneBody{Done: err == nil}, err
}

type exchangeInput struct {
	Body struct {
		Present  string `json:"present" maxLength:"1000"`
		Password string `json:"password" maxLength:"1000" doc:"the next one"`
	}
}

// An exchangedBody answers a script whose session was exchanged for another one.
type exchangedBody struct {
	Done bool   `json:"done"`
	Form string `json:"form" doc:"what X-Tandem-Form is from now on: all other sessions have ended, and this one has another cookie"`
}

func (c *console) apiExchange(ctx context.Context, in *exchangeInput) (exchangedBody, error) {
	x := replyIn(ctx)
	form, err := c.exchange(x, x.request, in.Body.Present, in.Body.Password)
	return exchangedBody{Done: err == nil, Form: form}, err
}

func (c *console) apiWishes(ctx context.Context, _ *nothing) (wishes, error) {
	return wishesOf(visitIn(ctx).who.Person), nil
}

type wishesInput struct{ Body wishes }

func (c *console) apiSetWishes(ctx context.Context, in *wishesInput) (wishes, error) {
	return in.Body, c.setWishes(ctx, in.Body)
}

// A sessionBody is a browser in which the caller is signed in.
type sessionBody struct {
	ID      int64     `json:"id"`
	Began   time.Time `json:"began"`
	Seen    time.Time `json:"seen"`
	Address string    `json:"address" doc:"where it began"`
	Browser string    `json:"browser,omitempty"`
	Here    bool      `json:"here,omitempty" doc:"this request came by it"`
}

func (c *console) apiSessions(ctx context.Context, _ *nothing) (list[sessionBody], error) {
	out, who := list[sessionBody]{Items: []sessionBody{}}, visitIn(ctx).who
	all, err := c.accounts.Sessions(ctx, who.ID)
	for _, s := range all {
		out.Items = append(out.Items, sessionBody{ID: s.ID, Began: s.Made, Seen: s.Seen, Address: s.Address, Browser: device(s.Agent), Here: s.ID == who.Session})
	}
	return out, err
}

func (c *console) apiEndSession(ctx context.Context, in *Numbered) (doneBody, error) {
	err := c.signOutOf(ctx, in.ID)
	return doneBody{Done: err == nil}, err
}

func (c *console) apiEndSessions(ctx context.Context, _ *nothing) (list[sessionBody], error) {
	if err := c.signOutOthers(ctx); err != nil {
		return list[sessionBody]{}, err
	}
	return c.apiSessions(ctx, nil)
}

// An auditBody is one line of the audit.
type auditBody struct {
	ID      int64     `json:"id"`
	At      time.Time `json:"at"`
	By      string    `json:"by,omitempty" doc:"absent: somebody who had not signed in"`
	Via     string    `json:"via" doc:"console, token NAME or cli"`
	Address string    `json:"address,omitempty"`
	What    string    `json:"what"`
	Target  string    `json:"target,omitempty"`
	Detail  string    `json:"detail,omitempty"`
	Outcome string    `json:"outcome,omitempty" doc:"done, refused or failed; absent: it was begun, and nothing more is known"`
}

type auditInput struct {
	Paging

	By string `query:"by" maxLength:"100" doc:"only what this person did"`
}

func (c *console) apiAudit(ctx context.Context, in *auditInput) (list[auditBody], error) {
	before, err := in.from()
	if err != nil {
		return list[auditBody]{}, err
	}
	lines, err := c.hub.Store().Audits(ctx, store.AuditQuery{By: in.By, Before: before, Limit: in.Limit + 1})
	return listOf(in.Paging, lines, func(x store.Audit) auditBody { return auditBody(x) }, func(x store.Audit) int64 { return x.ID }), err
}
