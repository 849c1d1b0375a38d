package console

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/plan"
)

// A secretBody is what is known of a secret: all but its value.
type secretBody struct {
	Secret  string     `json:"secret"`
	Set     bool       `json:"set"`
	Updated *time.Time `json:"updated,omitempty"`
	Uses    []string   `json:"uses" doc:"connections; console and notify for what those use"`
}

func (c *console) apiSecrets(ctx context.Context, _ *nothing) (list[secretBody], error) {
	out := list[secretBody]{Items: []secretBody{}}
	all, err := c.hub.Secrets(ctx)
	for _, x := range all {
		out.Items = append(out.Items, secretBody{Secret: x.Name, Set: !x.Updated.IsZero(), Updated: moment(x.Updated), Uses: append([]string{}, x.Uses...)})
	}
	return out, err
}

type sealInput struct {
	Named

	Body struct {
		Value string `json:"value" minLength:"1" maxLength:"65536" doc:"it is never shown again"`
	}
}

func (c *console) apiSeal(ctx context.Context, in *sealInput) (doneBody, error) {
	if !plan.IsSecretName(in.ID) {
		return doneBody{}, badSecretInput("error.secretname", "path.id", "a secret is called by a letter, then letters, digits, _ and -")
	}
	noteIn(ctx, in.ID, "")
	if badSecret(in.Body.Value) {
		return doneBody{}, badSecretInput("error.secretvalue", "body.value", "it is empty, or holds a line break or another control character")
	}
	err := c.hub.SetSecret(ctx, in.ID, strings.TrimSpace(in.Body.Value))
	return doneBody{Done: err == nil}, err
}

// badSecretInput is a problem with a part of what was to be sealed, of which nothing is repeated.
func badSecretInput(key, where, what string) error {
	return &problem{status: http.StatusUnprocessableEntity, key: key, wrong: []wrongPart{{Where: where, What: what}}}
}

func (c *console) apiUnseal(ctx context.Context, in *Named) (doneBody, error) {
	noteIn(ctx, cutTo(in.ID, 64), "")
	had, err := c.hub.RemoveSecret(ctx, in.ID)
	if err == nil && !had {
		err = errNotFound()
	}
	return doneBody{Done: err == nil}, err
}
