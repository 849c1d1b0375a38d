//go:build !unix

package storetest

import "testing"

// Postgres skips the test: a server is started for tests on Unix only.
func Postgres(t *testing.T) func(*testing.T) string {
	t.Helper()
	t.Skip("a PostgreSQL server is started for tests on Unix only")
	return nil
}
