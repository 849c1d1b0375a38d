package cli

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/tandemhub/tandem/internal/console"
	"github.com/tandemhub/tandem/internal/safe"
	"github.com/tandemhub/tandem/internal/store"
)

// Backup is tandem backup for who takes it along: with the file's text, as a restore wants it.
func (h *hub) Backup(ctx context.Context) (*store.Copy, error) {
	src, err := h.app.source()
	if err != nil {
		return nil, err
	}
	return h.store.Copy(ctx, store.Backup{Taken: time.Now(), Version: buildOf(debug.ReadBuildInfo()).Version, Config: string(src)})
}

// Key tells of the key of the secrets, and never the key.
func (h *hub) Key(ctx context.Context) (console.Key, error) {
	kept, err := h.sealed(ctx)
	if err != nil {
		return console.Key{}, err
	}
	k := console.Key{File: h.Plan().KeyFile, Old: kept.OldKey()}
	k.Fingerprint, err = kept.Key(ctx)
	return k, err
}

// RotateKey seals everything anew. What runs takes up the new key by itself, from its file.
func (h *hub) RotateKey(ctx context.Context) (safe.Rotation, error) {
	kept, err := h.sealed(ctx)
	if err != nil {
		return safe.Rotation{}, err
	}
	r, err := kept.Rotate(ctx)
	return r, keyless(err)
}

// ConfirmKey ends a rotation, and returns the file that it has removed.
func (h *hub) ConfirmKey(ctx context.Context) (string, error) {
	kept, err := h.sealed(ctx)
	if err != nil {
		return "", err
	}
	removed, err := kept.Confirm(ctx)
	return removed, keyless(err)
}

// keyless is the console's word for a key that is not where it is looked for.
func keyless(err error) error {
	if missing, is := errors.AsType[*safe.KeyError](err); is {
		return fmt.Errorf("%w: %w", console.ErrNoKey, missing)
	}
	return err
}
