package console

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/rest/grant"
)

// A disconnectedBody is what became of a connection that was taken out.
type disconnectedBody struct {
	Done    bool     `json:"done"`
	Secrets []string `json:"secrets" doc:"that only this connection used, and that were removed; none without the right secrets"`
	Problem string   `json:"problem,omitempty" doc:"why its vendor could not be told: it may still call, or hold a grant, until somebody ends that there"`
}

func (c *console) apiDisconnect(ctx context.Context, in *Named) (disconnectedBody, error) {
	return c.disconnect(ctx, in.ID)
}

func (c *console) removeConnection(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	if _, known := c.hub.Plan().Connection(name); !known {
		return errNotFound()
	}
	out, err := c.disconnect(r.Context(), name)
	p, refused := errors.AsType[*problem](err)
	switch {
	case refused && p.status == http.StatusUnprocessableEntity:
		data, err := c.connection(r)
		if err != nil {
			return err
		}
		return c.view.again(w, r, p, "connection", data)
	case errors.Is(err, errBusy):
		return &problem{status: http.StatusServiceUnavailable, key: "error.busy", wait: 30}
	case err != nil:
		return err
	case out.Problem != "":
		return c.redirect(w, "/connections", "disconnectedonly")
	}
	return c.redirect(w, "/connections", "disconnected")
}

// disconnect takes a connection out of the configuration, and back what it has at its vendor and
// here. Nothing is done before it is certain that it may go; a vendor that cannot be reached is
// told of, and stops nothing.
func (c *console) disconnect(ctx context.Context, name string) (disconnectedBody, error) {
	out := disconnectedBody{Secrets: []string{}}
	if _, known := c.hub.Plan().Connection(name); !known {
		return out, c.noConnection(name)
	}
	noteIn(ctx, name, "")
	now, text, err := c.without(ctx, name)
	if err != nil {
		return out, err
	}
	left, err := c.leavings(ctx, name)
	if err != nil {
		return out, err
	}
	told := c.unhook(ctx, name)
	if errors.Is(told, errBusy) {
		return out, told
	}
	err = c.saveConfiguration(ctx, now.Current.Number, text, "- "+name)
	noteIn(ctx, name, "")
	if err != nil {
		return out, err
	}
	ctx = context.WithoutCancel(ctx) // it is out: nothing of it is left because somebody has gone away
	if told == nil {
		err = c.hub.Store().CloseDoor(ctx, name) // else the server tries again, and closes it
	}
	if left.grant != nil {
		told = errors.Join(told, left.grant.Revoke(ctx))
	}
	if told != nil {
		c.log.Warn("a vendor could not be told that its connection was taken out", "connection", name, "error", told)
		out.Problem = told.Error()
	}
	for _, secret := range left.secrets {
		if _, failed := c.hub.RemoveSecret(ctx, secret); failed != nil {
			err = errors.Join(err, failed)
			continue
		}
		out.Secrets = append(out.Secrets, secret)
	}
	noteIn(ctx, name, strings.Join(out.Secrets, " "))
	out.Done = err == nil
	return out, err
}

// without returns what counts, and its text without a connection, if that can be used.
func (c *console) without(ctx context.Context, name string) (Configuration, string, error) {
	now, err := c.hub.Configuration(ctx)
	if err != nil {
		return now, "", err
	}
	text, err := plan.RemoveConnection([]byte(now.Text), name)
	if err != nil {
		return now, "", uneditable(err)
	}
	err = c.editable(ctx, now, string(text))
	p, refused := errors.AsType[*problem](err)
	if syncs := syncsAt(c.hub.Plan(), name); refused && p.key == "error.configuration" && len(syncs) > 0 {
		used := &problem{status: http.StatusUnprocessableEntity, key: "error.connectionused", args: []any{strings.Join(syncs, ", ")}, wrong: p.wrong}
		return now, "", used
	}
	return now, string(text), err
}

// A leaving is what a connection has here.
type leaving struct {
	grant   *grant.Grant // nil = there is none
	secrets []string     // that nothing else uses
}

// leavings finds what goes with a connection, for who may set secrets.
func (c *console) leavings(ctx context.Context, name string) (leaving, error) {
	var left leaving
	if !visitIn(ctx).who.Can(account.Secrets) {
		return left, nil
	}
	grants, err := c.hub.Grants(ctx)
	if err != nil {
		return left, err
	}
	left.grant = grants[name]
	if name == "console" || name == "notify" {
		return left, nil // what those sections of the configuration use is said to be used by these names
	}
	all, err := c.hub.Secrets(ctx)
	for _, x := range all {
		if !x.Updated.IsZero() && slices.Equal(x.Uses, []string{name}) {
			left.secrets = append(left.secrets, x.Name)
		}
	}
	return left, err
}

// unhook has a connection's vendor call here no more, once nothing else works.
func (c *console) unhook(ctx context.Context, name string) error {
	d, found, err := c.hub.Store().Door(ctx, name)
	if err != nil || !found || d.Address == "" {
		return err
	}
	return c.borrow(ctx, func(ctx context.Context, e *engine.Engine) error { return c.hub.Unhook(ctx, e, name) })
}
