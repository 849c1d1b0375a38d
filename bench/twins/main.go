// Command twins serves a simulated Dolibarr full of contacts and a simulated HubSpot, empty or
// with the same people, on loopback, for the benchmarks. It prints one line of JSON that says where they are, and
// ends when its standard input does.
//
// A third address takes orders: POST /later?by=10m moves both clocks, POST /edit?n=100 lets a
// person change n contacts, GET /count tells how many contacts the HubSpot has.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/tandemhub/tandem/systems/dolibarr/dolibarrtwin"
	"github.com/tandemhub/tandem/systems/hubspot/hubspottwin"
	"github.com/tandemhub/tandem/twin"
)

// A Place is what the program prints.
type Place struct {
	ERP, CRM, Control string
	Key, Token        string
}

func main() {
	rows := flag.Int("rows", 10000, "contacts in the Dolibarr")
	dirty := flag.Bool("dirty", false, "some of them without, with a shared, or with an invalid e-mail address")
	both := flag.Bool("both", false, "the HubSpot has the same contacts already")
	latency := flag.Duration("latency", 0, "how long every answer takes at least")
	flag.Parse()
	if err := run(*rows, *dirty, *both, *latency); err != nil {
		fmt.Fprintln(os.Stderr, "twins:", err)
		os.Exit(1)
	}
}

func run(rows int, dirty, both bool, latency time.Duration) error {
	o := twin.Options{Latency: latency, NoLimits: true, Prompt: true}
	s := &stage{erp: dolibarrtwin.New(o), crm: hubspottwin.New(o)}
	if err := s.fill(rows, dirty, both); err != nil {
		return err
	}
	var place Place
	var err error
	for _, x := range []struct {
		at *string
		h  http.Handler
	}{{&place.ERP, s.erp}, {&place.CRM, s.crm}, {&place.Control, s.control()}} {
		if *x.at, err = serve(x.h); err != nil {
			return err
		}
	}
	place.Key, place.Token = s.erp.Settings()["api_key"], s.crm.Settings()["access_token"]
	if err := json.NewEncoder(os.Stdout).Encode(place); err != nil {
		return fmt.Errorf("print the addresses: %w", err)
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func serve(h http.Handler) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("listen: %w", err)
	}
	web := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	go func() {
		if err := web.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			fmt.Fprintln(os.Stderr, "twins:", err)
		}
	}()
	return "http://" + l.Addr().String(), nil
}

// A stage is the two twins and what people do on them.
type stage struct {
	erp, crm twin.Twin

	mu     sync.Mutex
	ids    []string
	skew   time.Duration
	rounds int
}

func (s *stage) fill(rows int, dirty, both bool) error {
	company, err := s.erp.Put("thirdparties", "", map[string]string{"name": "Bench SA", "url": "bench.example"})
	if err != nil {
		return fmt.Errorf("invent a company: %w", err)
	}
	for i := range rows {
		id, err := s.erp.Put("contacts", "", map[string]string{
			"firstname": fmt.Sprintf("First%d", i), "lastname": fmt.Sprintf("Last%d", i), "email": email(i, dirty), "socid": company,
			"phone_pro": fmt.Sprintf("+30 210 %07d", i), "address": fmt.Sprintf("Street %d", i), "zip": fmt.Sprintf("%05d", i%100000),
			"town": "Athens", "country_code": "GR", "poste": "Buyer",
		})
		if err != nil {
			return fmt.Errorf("invent a contact: %w", err)
		}
		s.ids = append(s.ids, id)
		if !both {
			continue
		}
		if _, err := s.crm.Put("contacts", "", map[string]string{
			"firstname": fmt.Sprintf("First%d", i), "lastname": fmt.Sprintf("Last%d", i), "email": email(i, dirty),
			"phone": fmt.Sprintf("+30 210 %07d", i), "address": fmt.Sprintf("Street %d", i), "zip": fmt.Sprintf("%05d", i%100000),
			"city": "Athens", "country": "Greece", "jobtitle": "Buyer",
		}); err != nil {
			return fmt.Errorf("invent a contact: %w", err)
		}
	}
	return nil
}

// email is the address of contact i; in dirty data 2% have none, 1% share one with their
// neighbour, 1% have an invalid one and 2% are in upper case with blanks around.
func email(i int, dirty bool) string {
	plain := fmt.Sprintf("person%d@bench.example", i)
	switch {
	case !dirty:
		return plain
	case i%100 == 10, i%100 == 60:
		return ""
	case i%100 == 20:
		return fmt.Sprintf("person%d@bench.example", i-1)
	case i%100 == 30:
		return fmt.Sprintf("person%d at bench", i)
	case i%100 == 40, i%100 == 80:
		return fmt.Sprintf(" PERSON%d@BENCH.EXAMPLE ", i)
	default:
		return plain
	}
}

func (s *stage) control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /later", func(w http.ResponseWriter, r *http.Request) {
		by, err := time.ParseDuration(r.FormValue("by"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.skew += by
		s.erp.Kit().Skew(s.skew)
		s.crm.Kit().Skew(s.skew)
	})
	mux.HandleFunc("POST /edit", func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.Atoi(r.FormValue("n"))
		if err == nil {
			err = s.edit(n)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	})
	mux.HandleFunc("GET /count", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintln(w, len(s.crm.Rows("contacts"))) // whoever asked and is gone needs no answer
	})
	return mux
}

func (s *stage) edit(n int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rounds++
	for i := range n {
		id := s.ids[i*len(s.ids)/n]
		if _, err := s.erp.Put("contacts", id, map[string]string{"poste": fmt.Sprintf("Buyer %d", s.rounds)}); err != nil {
			return fmt.Errorf("edit %s: %w", id, err)
		}
	}
	return nil
}
