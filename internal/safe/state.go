package safe

import (
	"context"
	"fmt"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/internal/vault"
)

// State returns the memory of a connection: durable, sealed, and shared by all processes
// that work with the database.
func (s *Safe) State(connection string) connector.KV { return &state{s, connection} }

type state struct {
	safe       *Safe
	connection string
}

func (m *state) Get(ctx context.Context, key string) (string, int64, error) {
	version := int64(0)
	value, err := m.safe.open(ctx, m.safe.statePlace(m.connection, key), func() ([]byte, error) {
		x, err := m.safe.store.StateGet(ctx, m.connection, key)
		version = x.Version
		return x.Sealed, err
	})
	if err != nil {
		return "", 0, fmt.Errorf("open what %s remembers as %s: %w", m.connection, key, err)
	}
	return value, version, nil
}

func (m *state) Put(ctx context.Context, key, value string, version int64) (int64, error) {
	x := store.State{Connection: m.connection, Key: key, Version: version}
	if value == "" {
		return m.safe.store.StatePut(ctx, "", x)
	}
	next := int64(0)
	err := m.safe.sealing(ctx, func(v *vault.Vault) (err error) {
		x.Sealed = v.Seal([]byte(value), m.safe.statePlace(m.connection, key)...)
		next, err = m.safe.store.StatePut(ctx, v.Fingerprint(), x)
		return err
	})
	return next, err
}
