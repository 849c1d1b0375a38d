package engine

import (
	"testing"
	"time"

	"github.com/tandemhub/tandem/record"
)

// R16: as many records as an object has may hold what a create has sent: their fields are not kept
// while they are looked for.
func TestR16HitsAreKeptWithoutTheirFields(t *testing.T) {
	t.Parallel()
	s := &settling{r: &run{p: &pair{}}}
	rec := record.Record{Ref: record.Ref{Object: "cards", ID: "7"}, Version: "3", Created: time.Unix(9, 0), Fields: record.Fields{"name": record.Text("Ann")}}
	found := s.noteHit(nil, rec)
	if len(found) != 1 || found[0].Ref != rec.Ref || !found[0].Created.Equal(rec.Created) || found[0].Fields != nil {
		t.Errorf("%+v is kept", found)
	}
}
