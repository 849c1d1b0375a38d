package console

import (
	"net/http"
	"testing"

	"github.com/tandemhub/tandem/internal/account"
)

// What goes on behind a revert's page is the process's to wait for: it ends before its database is closed.
func TestRevertsGoOnInTheBackgroundOfTheProcess(t *testing.T) {
	t.Parallel()
	b, h := syncBench(t)
	w := b.signed(account.Operator)
	b.to(w.post("/reverts", "run", "r1"), "/reverts/1")
	for _, step := range []struct{ before, after string }{{"Waits for its turn", "Preview"}, {"Going back", "Taken back"}} {
		b.want(w.get("/reverts/1"), http.StatusOK, step.before)
		if len(h.later) != 1 {
			t.Fatalf("%d things go on in the background", len(h.later))
		}
		h.work()
		b.want(w.get("/reverts/1"), http.StatusOK, step.after)
		w.post("/reverts/1")
	}
}
