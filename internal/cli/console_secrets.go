package cli

import (
	"context"
	"errors"

	"github.com/tandemhub/tandem/internal/console"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/safe"
)

// Secrets returns the secrets that there are, and those that the configuration asks for besides.
func (h *hub) Secrets(ctx context.Context) ([]console.Secret, error) {
	kept, err := h.sealed(ctx)
	if err != nil {
		return nil, err
	}
	all, err := kept.List(ctx)
	if err != nil {
		return nil, err
	}
	now, err := h.Configuration(ctx)
	if err != nil {
		return nil, err
	}
	env, err := h.app.environment()
	if err != nil {
		return nil, err
	}
	outline, _ := plan.ParseOutline(h.app.config, []byte(now.Text), env)
	var out []console.Secret
	for _, line := range secretLines(outline, all) {
		x := console.Secret{Name: line.Secret, Uses: line.Connections}
		if line.Updated != nil {
			x.Updated = *line.Updated
		}
		out = append(out, x)
	}
	return out, nil
}

// SetSecret seals a secret. The configuration is read again, with it.
func (h *hub) SetSecret(ctx context.Context, name, value string) error {
	kept, err := h.sealed(ctx)
	if err == nil {
		err = kept.Set(ctx, name, value)
	}
	if err == nil {
		h.reload()
	}
	return keyless(err)
}

// RemoveSecret removes a secret. What runs goes on with what it has read.
func (h *hub) RemoveSecret(ctx context.Context, name string) (bool, error) {
	kept, err := h.sealed(ctx)
	if err != nil {
		return false, err
	}
	return kept.Remove(ctx, name)
}

// sealed opens the safe. To list and to remove takes no key: what needs it says that it is missing.
func (h *hub) sealed(ctx context.Context) (*safe.Safe, error) {
	kept, err := h.app.openSafe(ctx, h.store, h.Plan().KeyFile)
	if kept != nil && errors.As(err, new(*safe.KeyError)) {
		err = nil
	}
	return kept, err
}
