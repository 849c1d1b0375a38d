package status

import (
	"testing"
	"time"

	"github.com/tandemhub/tandem/internal/store"
)

// Three operations at a pace of two minutes each are done in six, unless one of them waits for longer.
func TestNothingIsForecastForATimeBeforeItMayBeTried(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 13, 4, 0, 0, time.UTC)
	ops := []store.Op{{}, {NotBefore: now.Add(time.Minute)}, {}}
	if got := goneBy(now, 2*time.Minute, 3, ops); !got.Equal(now.Add(6 * time.Minute)) {
		t.Errorf("done at %s", got)
	}
	ops[1].NotBefore = now.Add(time.Hour)
	if got := goneBy(now, 2*time.Minute, 3, ops); !got.Equal(ops[1].NotBefore) {
		t.Errorf("done at %s, and one may not be tried before %s", got, ops[1].NotBefore)
	}
}
