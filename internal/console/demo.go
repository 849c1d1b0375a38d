package console

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/tandemhub/tandem/internal/account"
)

// A Demo breaks the simulated systems of tandem demo, and tells how they get on. Without one there
// are no such pages. Its methods may be called from several goroutines.
type Demo interface {
	// Redeem reports whether this is the word of the link that signs in. It is good once.
	Redeem(word string) bool
	Troubles() []Trouble
	// Break begins a trouble, or begins it anew; ErrNoTrouble if there is none of that name.
	Break(name string) error
	// Mend ends one before its time; ErrNoTrouble if there is none of that name.
	Mend(name string) error
	Work() []Work
	// Compare reads the simulated systems themselves, past everything that is believed here.
	Compare(ctx context.Context) (Comparison, error)
}

// ErrNoTrouble says that there is no trouble of a name.
var ErrNoTrouble = errors.New("there is no such trouble")

// A Trouble is something that can go wrong.
type Trouble struct {
	Name  string    // also the end of its keys in the catalogues
	On    bool      // it goes on now
	Until time.Time // when it ends by itself; zero = with what it does
	Hits  int       // how often it has struck, since the demo began
}

// A Work is one thing that somebody did in one of the simulated systems.
type Work struct {
	At     time.Time
	System string // its title
	Right  bool   // of the two systems of its pair, the one on the right
	Who    string // the record, as people know it
	Field  string // as the system calls it
	Value  string
}

// A Comparison is how far the simulated systems agree.
type Comparison struct {
	Pairs, Values, Differ int
}

// demoIssuer vouches for who has the terminal's link.
const demoIssuer = "tandem demo"

// demoName is how whoever looks at the demo is called.
const demoName = "demo"

type demoPage struct {
	Troubles []Trouble
	Work     []Work
	Compared Comparison
}

// AddDemo adds the person as whom the demo's link signs in.
func AddDemo(ctx context.Context, accounts *account.Accounts) error {
	_, err := accounts.Add(ctx, account.NewUser{Name: demoName, Role: account.Admin, Invited: true, Issuer: demoIssuer, Subject: demoName})
	return err
}

// enterDemo signs in who brings the word that the terminal shows. As with an identity provider's
// way back it is a link that does something, and good once.
func (c *console) enterDemo(w http.ResponseWriter, r *http.Request) error {
	if c.demo == nil {
		return errNotFound()
	}
	if !c.demo.Redeem(r.URL.Query().Get("token")) {
		return invalid("error.demolink")
	}
	o := account.Outsider{Issuer: demoIssuer, Subject: demoName, Name: demoName, Role: account.Admin, Mapped: true}
	entry, err := c.accounts.SignInOutsider(r.Context(), o, visitOf(r).from)
	if err != nil {
		return c.asked(err)
	}
	note(r, entry.Name, "")
	return c.enter(w, r, entry, "")
}

func (c *console) showDemo(w http.ResponseWriter, r *http.Request) error {
	if c.demo == nil {
		return errNotFound()
	}
	compared, err := c.demo.Compare(r.Context())
	if err != nil {
		return err
	}
	return c.view.page(w, r, "demo", demoPage{Troubles: c.demo.Troubles(), Work: c.demo.Work(), Compared: compared})
}

func (c *console) breakDemo(w http.ResponseWriter, r *http.Request) error {
	if err := c.trouble(r.Context(), r.PathValue("trouble"), Demo.Break); err != nil {
		return err
	}
	return c.redirect(w, "/demo", "broken")
}

func (c *console) mendDemo(w http.ResponseWriter, r *http.Request) error {
	if err := c.trouble(r.Context(), r.PathValue("trouble"), Demo.Mend); err != nil {
		return err
	}
	return c.redirect(w, "/demo", "mended")
}

// trouble does something with the trouble of a name.
func (c *console) trouble(ctx context.Context, name string, act func(Demo, string) error) error {
	if c.demo == nil {
		return errNotFound()
	}
	noteIn(ctx, cutTo(name, 20), "")
	if err := act(c.demo, name); errors.Is(err, ErrNoTrouble) {
		return errNotFound()
	} else if err != nil {
		return err
	}
	return nil
}
