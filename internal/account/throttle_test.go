package account

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// A throttled bubble: tries of a name from an address, which fail.
func try(th *throttle, name, address string) time.Duration {
	err := th.allow(name, address, time.Now())
	if wait, ok := errors.AsType[*WaitError](err); ok {
		return time.Until(wait.Until)
	}
	return 0
}

func TestWaitsGrowForWhoGuesses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		var waits []time.Duration
		for range 16 {
			wait := try(th, "ann", "192.0.2.1")
			if wait > 0 {
				waits = append(waits, wait)
				time.Sleep(wait)
				if again := try(th, "ann", "192.0.2.1"); again > 0 {
					t.Fatalf("told to wait %v, and then %v more", wait, again)
				}
			}
		}
		for i := 1; i < len(waits); i++ {
			if waits[i] < waits[i-1] {
				t.Errorf("waits shrink: %v", waits)
			}
		}
		if last := waits[len(waits)-1]; last != 15*time.Minute {
			t.Errorf("the longest wait is %v: %v", last, waits)
		}
		if wait := try(th, "bob", "192.0.2.2"); wait > 0 {
			t.Errorf("somebody else waits %v", wait)
		}
		time.Sleep(forgetAfter + time.Minute)
		if wait := try(th, "ann", "192.0.2.1"); wait > 0 {
			t.Errorf("after an hour it still waits %v", wait)
		}
	})
}

func TestOneAddressCannotGoThroughAllNames(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		in := 0
		for i := range 1000 {
			// Addresses of one customer are one.
			if try(th, fmt.Sprint("user", i), fmt.Sprintf("2001:db8:0:7::%x", i)) == 0 {
				in++
			}
		}
		if in > 21 {
			t.Errorf("%d tries at once", in)
		}
	})
}

// Strangers on many addresses guess a name's password all day; the person gets in within a
// minute, each time.
func TestOthersNeverLockAPersonOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		begin := time.Now()
		for i := 0; time.Since(begin) < 6*time.Hour; i++ {
			try(th, "ann", fmt.Sprintf("198.51.%d.%d", i/250%250, i%250))
			time.Sleep(500 * time.Millisecond)
			if i%1500 != 1499 {
				continue
			}
			asked := time.Now()
			for try(th, "ann", "192.0.2.1") > 0 {
				time.Sleep(time.Second)
				try(th, "ann", fmt.Sprintf("203.0.113.%d", i%250))
			}
			if took := time.Since(asked); took > time.Minute+time.Second {
				t.Fatalf("the person waited %v", took)
			}
			th.succeeded("ann", "192.0.2.1", time.Now())
		}
	})
}

func TestAThrottleForgetsRatherThanGrow(t *testing.T) {
	t.Parallel()
	th := newThrottle()
	now := time.Now()
	for i := range mostTries {
		_ = th.allow(fmt.Sprint("invented", i), fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), now.Add(time.Duration(i)*time.Millisecond))
	}
	if n := len(th.tries); n > mostTries {
		t.Errorf("%s", th)
	}
}

// Whatever happens: who is told to wait is let in after that, and within 15 minutes.
func TestWhoWaitsAsToldIsLetIn(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		th, now := newThrottle(), time.Unix(1e9, 0)
		names, addresses := []string{"ann", "bob"}, []string{"192.0.2.1", "192.0.2.2", "192.0.2.3"}
		for range rapid.IntRange(0, 60).Draw(t, "tries") {
			name, address := rapid.SampledFrom(names).Draw(t, "name"), rapid.SampledFrom(addresses).Draw(t, "address")
			now = now.Add(time.Duration(rapid.IntRange(0, 90).Draw(t, "pause")) * time.Second)
			err := th.allow(name, address, now)
			if err == nil && rapid.Bool().Draw(t, "succeeds") {
				th.succeeded(name, address, now)
			}
			wait, waits := errors.AsType[*WaitError](err)
			if !waits {
				continue
			}
			if d := wait.Until.Sub(now); d <= 0 || d > 15*time.Minute {
				t.Fatalf("told to wait %v", d)
			}
		}
		for range 3 { // nobody else tries from that address
			err := th.allow("ann", "192.0.2.1", now)
			wait, waits := errors.AsType[*WaitError](err)
			if !waits {
				return
			}
			now = wait.Until
		}
		t.Fatal("waited three times and was never let in")
	})
}
