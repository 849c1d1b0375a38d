package storetest

import (
	"bytes"
	"errors"
	"sync"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
)

func sealedCases() map[string]func(*bench) {
	return map[string]func(*bench){
		"secrets are kept by name":                                   secrets,
		"the first sealed value decides the key":                     oneSeal,
		"what a connection remembers is compared and swapped":        swapped,
		"a version is never given twice":                             versionsGrow,
		"of writers at the same time one wins":                       oneWinner,
		"sealing anew reaches everything, or nothing":                reseal,
		"what nobody can read any more can be dropped for a new key": dropSealed,
	}
}

func secrets(b *bench) {
	b.ok(b.s.PutSecret(b.ctx, "k1", store.Secret{Name: "erp_key", Sealed: []byte{0, 1, 0xff}, Updated: at(1)}))
	b.ok(b.s.PutSecret(b.ctx, "k1", store.Secret{Name: "crm_token", Sealed: []byte("old"), Updated: at(2)}))
	b.ok(b.s.PutSecret(b.ctx, "k1", store.Secret{Name: "crm_token", Sealed: []byte("new"), Updated: at(3)}))
	crmToken := store.Secret{Name: "crm_token", Sealed: []byte("new"), Updated: at(3)}
	all, err := b.s.Secrets(b.ctx)
	b.ok(err)
	b.same("all", []store.Secret{crmToken, {Name: "erp_key", Sealed: []byte{0, 1, 0xff}, Updated: at(1)}}, all)
	one, found, err := b.s.Secret(b.ctx, "crm_token")
	b.ok(err)
	b.same("one", crmToken, one)
	b.same("found", true, found)
	had, err := b.s.DropSecret(b.ctx, "crm_token")
	b.ok(err)
	b.same("removed", true, had)
	had, err = b.s.DropSecret(b.ctx, "crm_token")
	b.ok(err)
	b.same("removed again", false, had)
	_, found, err = b.s.Secret(b.ctx, "crm_token")
	b.ok(err)
	b.same("found after that", false, found)
}

func oneSeal(b *bench) {
	seal, err := b.s.Seal(b.ctx)
	b.ok(err)
	b.same("before", "", seal)
	b.ok(b.s.PutSecret(b.ctx, "k1", store.Secret{Name: "a", Sealed: []byte("x")}))
	seal, err = b.s.Seal(b.ctx)
	b.ok(err)
	b.same("after", "k1", seal)
	if err := b.s.PutSecret(b.ctx, "k2", store.Secret{Name: "a", Sealed: []byte("y")}); !errors.Is(err, store.ErrSeal) {
		b.Errorf("a secret under another key: %v", err)
	}
	if _, err := b.s.StatePut(b.ctx, "k2", store.State{Connection: "crm", Key: "t", Sealed: []byte("y")}); !errors.Is(err, store.ErrSeal) {
		b.Errorf("a memory under another key: %v", err)
	}
	all, err := b.s.Secrets(b.ctx)
	b.ok(err)
	b.same("unchanged", []byte("x"), all[0].Sealed)
}

func (b *bench) state(key string) store.State {
	b.Helper()
	x, err := b.s.StateGet(b.ctx, "crm", key)
	b.ok(err)
	return x
}

func (b *bench) remember(key, value string, version int64) int64 {
	b.Helper()
	v, err := b.s.StatePut(b.ctx, "k1", store.State{Connection: "crm", Key: key, Sealed: []byte(value), Version: version})
	b.ok(err)
	return v
}

func swapped(b *bench) {
	b.same("nothing yet", store.State{Connection: "crm", Key: "t"}, b.state("t"))
	first := b.remember("t", "one", 0)
	b.same("made", store.State{Connection: "crm", Key: "t", Sealed: []byte("one"), Version: first}, b.state("t"))
	second := b.remember("t", "two", first)
	for _, stale := range []int64{0, first, second + 1} {
		_, err := b.s.StatePut(b.ctx, "k1", store.State{Connection: "crm", Key: "t", Sealed: []byte("three"), Version: stale})
		if !errors.Is(err, connector.ErrStale) {
			b.Errorf("version %d of %d: %v", stale, second, err)
		}
		_, err = b.s.StatePut(b.ctx, "k1", store.State{Connection: "crm", Key: "t", Version: stale})
		if !errors.Is(err, connector.ErrStale) {
			b.Errorf("remove version %d of %d: %v", stale, second, err)
		}
	}
	b.same("kept", "two", string(b.state("t").Sealed))
	b.same("another key", int64(0), b.state("u").Version)
	other, err := b.s.StateGet(b.ctx, "erp", "t")
	b.ok(err)
	b.same("another connection", int64(0), other.Version)
}

func versionsGrow(b *bench) {
	first := b.remember("t", "one", 0)
	_, err := b.s.StatePut(b.ctx, "k1", store.State{Connection: "crm", Key: "t", Version: first})
	b.ok(err)
	b.same("removed", int64(0), b.state("t").Version)
	if again := b.remember("t", "two", 0); again <= first {
		b.Errorf("version %d after %d", again, first)
	}
	if _, err := b.s.StatePut(b.ctx, "k1", store.State{Connection: "crm", Key: "t", Sealed: []byte("x"), Version: first}); !errors.Is(err, connector.ErrStale) {
		b.Errorf("whoever read the first one writes over the second: %v", err)
	}
}

func oneWinner(b *bench) {
	v := b.remember("t", "start", 0)
	var wg sync.WaitGroup
	won := make([]bool, 8)
	for i := range won {
		wg.Go(func() {
			_, err := b.s.StatePut(b.ctx, "k1", store.State{Connection: "crm", Key: "t", Sealed: []byte{byte(i)}, Version: v})
			won[i] = err == nil
			if err != nil && !errors.Is(err, connector.ErrStale) {
				b.Errorf("writer %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	winners := 0
	for i, w := range won {
		if w {
			winners++
			b.same("what is kept", []byte{byte(i)}, b.state("t").Sealed)
		}
	}
	b.same("winners", 1, winners)
}

func reseal(b *bench) {
	b.ok(b.s.PutSecret(b.ctx, "k1", store.Secret{Name: "a", Sealed: []byte("1:a"), Updated: at(1)}))
	b.ok(b.s.PutSecret(b.ctx, "k1", store.Secret{Name: "b", Sealed: []byte("1:b"), Updated: at(1)}))
	version := b.remember("t", "1:t", 0)
	bad := errors.New("bad")
	_, err := b.s.Reseal(b.ctx, "k1", "k2", func(x store.Sealed) ([]byte, error) {
		if x.Secret == "b" {
			return nil, bad
		}
		return []byte("2"), nil
	})
	if !errors.Is(err, bad) {
		b.Fatalf("got %v", err)
	}
	one, _, err := b.s.Secret(b.ctx, "a")
	b.ok(err)
	b.same("nothing has changed", "1:a", string(one.Sealed))
	anew := func(x store.Sealed) ([]byte, error) {
		return append([]byte("2:"+x.Secret+x.Connection+x.Key), bytes.TrimPrefix(x.Bytes, []byte("1"))...), nil
	}
	if _, err := b.s.Reseal(b.ctx, "k0", "k2", anew); !errors.Is(err, store.ErrSeal) {
		b.Errorf("from another key than the one in use: %v", err)
	}
	n, err := b.s.Reseal(b.ctx, "k1", "k2", anew)
	b.ok(err)
	b.same("values", 3, n)
	one, _, err = b.s.Secret(b.ctx, "a")
	b.ok(err)
	b.same("a secret", store.Secret{Name: "a", Sealed: []byte("2:a:a"), Updated: at(1)}, one)
	b.same("a memory", store.State{Connection: "crm", Key: "t", Sealed: []byte("2:crmt:t"), Version: version}, b.state("t"))
	seal, err := b.s.Seal(b.ctx)
	b.ok(err)
	b.same("the key", "k2", seal)
	if err := b.s.PutSecret(b.ctx, "k1", store.Secret{Name: "c", Sealed: []byte("1:c")}); !errors.Is(err, store.ErrSeal) {
		b.Errorf("under the old key: %v", err)
	}
}

func dropSealed(b *bench) {
	b.ok(b.s.PutSecret(b.ctx, "k1", store.Secret{Name: "a", Sealed: []byte("x")}))
	b.remember("t", "y", 0)
	n, err := b.s.DropSealed(b.ctx)
	b.ok(err)
	b.same("dropped", 2, n)
	seal, err := b.s.Seal(b.ctx)
	b.ok(err)
	b.same("no key", "", seal)
	b.same("no memory", int64(0), b.state("t").Version)
	b.ok(b.s.PutSecret(b.ctx, "k2", store.Secret{Name: "a", Sealed: []byte("z")}))
}
