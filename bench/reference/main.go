// Command reference is the plainest program that does the job of the benchmark: it copies
// the contacts of a Dolibarr to a HubSpot. It reads key ranges side by side, decodes the
// answers as they stream in, writes batches of 100 from several goroutines, and keeps
// nothing but a cursor file. It matches nothing, merges nothing, and forgets everything: it
// is there to be compared with.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	readers  = 4
	writers  = 8
	pageSize = 500
	batch    = 100
)

type contact struct {
	ID          string `json:"id"`
	FirstName   string `json:"firstname"`
	LastName    string `json:"lastname"`
	Email       string `json:"email"`
	Phone       string `json:"phone_pro"`
	Mobile      string `json:"phone_mobile"`
	JobTitle    string `json:"poste"`
	Address     string `json:"address"`
	Zip         string `json:"zip"`
	Town        string `json:"town"`
	CountryCode string `json:"country_code"`
	NotePrivate string `json:"note_private"`
}

// wanted are the properties that are asked for. Empty asks for whole rows of 5 kB.
const wanted = "id,firstname,lastname,email,phone_pro,phone_mobile,poste,address,zip,town,country_code,note_private"

type program struct {
	erp, key   string
	crm, token string
	whole      bool
	client     *http.Client
}

func main() {
	p := &program{client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: readers + writers}}}
	flag.StringVar(&p.erp, "erp", "", "address of the Dolibarr")
	flag.StringVar(&p.key, "key", "", "its key")
	flag.StringVar(&p.crm, "crm", "", "address of the HubSpot")
	flag.StringVar(&p.token, "token", "", "its token")
	flag.BoolVar(&p.whole, "whole", false, "ask for whole rows")
	cursor := flag.String("cursor", "cursor", "file that remembers when this was done")
	flag.Parse()
	if err := p.run(context.Background(), *cursor); err != nil {
		fmt.Fprintln(os.Stderr, "reference:", err)
		os.Exit(1)
	}
}

func (p *program) run(ctx context.Context, cursor string) error {
	began := time.Now()
	last, err := p.lastID(ctx)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	rows := make(chan contact, 4*batch)
	reading, rctx := errgroup.WithContext(ctx)
	for i := range readers {
		reading.Go(func() error { return p.read(rctx, i*last/readers, (i+1)*last/readers, rows) })
	}
	g.Go(func() error {
		defer close(rows)
		return reading.Wait()
	})
	writing, wctx := errgroup.WithContext(ctx)
	writing.SetLimit(writers)
	g.Go(func() error {
		var full []contact
		for c := range rows {
			if full = append(full, c); len(full) == batch {
				out := full
				full = nil
				writing.Go(func() error { return p.write(wctx, out) })
			}
		}
		if len(full) > 0 {
			writing.Go(func() error { return p.write(wctx, full) })
		}
		return writing.Wait()
	})
	if err := g.Wait(); err != nil {
		return err
	}
	return os.WriteFile(cursor, []byte(began.Format(time.RFC3339)), 0o600)
}

func (p *program) lastID(ctx context.Context) (int, error) {
	var rows []contact
	q := url.Values{"limit": {"1"}, "sortfield": {"t.rowid"}, "sortorder": {"DESC"}, "properties": {"id"}}
	if err := p.get(ctx, q, func(c contact) error { rows = append(rows, c); return nil }); err != nil || len(rows) == 0 {
		return 0, err
	}
	return strconv.Atoi(rows[0].ID)
}

// read reads the keys after from, to to.
func (p *program) read(ctx context.Context, from, to int, out chan<- contact) error {
	for {
		q := url.Values{"limit": {strconv.Itoa(pageSize)}, "sortfield": {"t.rowid"}, "sortorder": {"ASC"},
			"sqlfilters": {fmt.Sprintf("(t.rowid:>:%d) and (t.rowid:<=:%d)", from, to)}}
		if !p.whole {
			q.Set("properties", wanted)
		}
		n := 0
		err := p.get(ctx, q, func(c contact) error {
			n++
			id, err := strconv.Atoi(c.ID)
			from = id
			select {
			case out <- c:
				return err
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		if err != nil || n < pageSize {
			return err
		}
	}
}

func (p *program) get(ctx context.Context, q url.Values, each func(contact) error) (err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.erp+"/api/index.php/contacts?"+q.Encode(), nil)
	if err != nil {
		return err
	}
	req.Header.Set("DOLAPIKEY", p.key)
	res, err := p.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	if res.StatusCode == http.StatusNotFound {
		return nil // no rows
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("read contacts: %s", res.Status)
	}
	dec := json.NewDecoder(res.Body)
	if _, err := dec.Token(); err != nil {
		return err
	}
	for dec.More() {
		var c contact
		if err := dec.Decode(&c); err != nil {
			return err
		}
		if err := each(c); err != nil {
			return err
		}
	}
	_, err = io.Copy(io.Discard, res.Body)
	return err
}

func (p *program) write(ctx context.Context, rows []contact) (err error) {
	type input struct {
		Properties map[string]string `json:"properties"`
	}
	body := struct {
		Inputs []input `json:"inputs"`
	}{}
	for _, c := range rows {
		body.Inputs = append(body.Inputs, input{map[string]string{
			"email": c.Email, "firstname": c.FirstName, "lastname": c.LastName, "phone": c.Phone, "mobilephone": c.Mobile,
			"jobtitle": c.JobTitle, "address": c.Address, "zip": c.Zip, "city": c.Town, "country": c.CountryCode,
		}})
	}
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.crm+"/crm/objects/2026-09/contacts/batch/create", bytes.NewReader(b))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+p.token)
	req.Header.Set("Content-Type", "application/json")
	res, err := p.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	if res.StatusCode > 201 {
		return fmt.Errorf("write contacts: %s", res.Status)
	}
	_, err = io.Copy(io.Discard, res.Body)
	return err
}
