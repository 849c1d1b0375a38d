package console

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/account"
)

// Who may no longer see hears nothing more, and nobody may listen as often as they like.
func TestAStreamOfTheAPIEndsWithItsToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.populate()
		admin, err := b.c.accounts.Session(t.Context(), b.signed(account.Admin).cookies[cookieName])
		b.ok(err)
		word, token, err := b.c.accounts.Grant(t.Context(), admin, "watch", []account.Right{account.See}, time.Time{})
		b.ok(err)
		over := make(chan int, mostOfOne+1)
		listen := func() {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/events", http.NoBody)
			r.Header.Set("Authorization", "Bearer "+word)
			r.Host = "127.0.0.1:8420"
			got := httptest.NewRecorder()
			b.handler.ServeHTTP(got, r)
			over <- got.Code
		}
		for range mostOfOne {
			go listen()
		}
		time.Sleep(time.Minute)
		if len(over) != 0 {
			t.Fatalf("it ended by itself: %d", <-over)
		}
		listen()
		if got := <-over; got != http.StatusServiceUnavailable {
			t.Errorf("one too many: %d", got)
		}
		if _, err := b.c.accounts.Revoke(t.Context(), admin.ID, token.ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * streamEach)
		synctest.Wait()
		if len(over) != mostOfOne {
			t.Errorf("%d of %d have ended", len(over), mostOfOne)
		}
	})
}
