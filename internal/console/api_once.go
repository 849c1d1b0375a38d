package console

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/tandemhub/tandem/internal/store"
)

const (
	keyHeader = "Idempotency-Key"
	mostKey   = 200 // characters of a key
	// mostReply bounds an answer that is kept; a larger one is made anew, which the writes allow.
	mostReply = 1 << 20
)

// once does a write. One that carries a key is done once: whoever did not hear the answer sends it
// again, and is told what came of the first one. Of a write that carries a secret nothing is kept, not
// even a hash, by which a password could be guessed: it takes no key.
func (a *api) once(w http.ResponseWriter, r *http.Request, name string, secret bool) error {
	body, err := readBody(r)
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	key := r.Header.Get(keyHeader)
	switch {
	case key == "":
		return a.answer(w, r, name)
	case secret:
		return &problem{status: http.StatusUnprocessableEntity, key: "error.input", detail: keyHeader + " is not taken here: nothing of this write is kept"}
	}
	asking := store.Asking{Key: key, By: askedBy(r), Route: name, Hash: hashOf(r, body), At: a.console.now()}
	if len(key) > mostKey || strings.ContainsFunc(key, func(c rune) bool { return c < ' ' || c > '~' }) {
		return &problem{status: http.StatusUnprocessableEntity, key: "error.input", detail: fmt.Sprintf("%s takes at most %d printable characters", keyHeader, mostKey)}
	}
	was, found, err := a.console.hub.Store().BeginAnswer(r.Context(), asking, a.console.began)
	if err != nil {
		return a.console.asked(err)
	}
	if found {
		return a.again(w, r, asking, was)
	}
	return a.first(w, r, name, asking)
}

// first does a write with a key that was not seen before, and keeps its answer. What came to
// nothing is forgotten: it may be sent again.
func (a *api) first(w http.ResponseWriter, r *http.Request, name string, asking store.Asking) (err error) {
	ctx, s, kept := context.WithoutCancel(r.Context()), a.console.hub.Store(), false
	defer func() { // a panic forgets it too
		if kept {
			return
		}
		if dropping := s.DropAnswer(ctx, asking); dropping != nil {
			a.console.log.Error("a key of a write could not be forgotten", "error", dropping)
		}
	}()
	got, err := a.call(name, r)
	if err != nil {
		return err
	}
	if got.body.Len() <= mostReply {
		x := store.Answer{Status: got.status, Kind: got.header.Get("Content-Type"), Body: got.body.Bytes()}
		if keeping := s.EndAnswer(ctx, asking, x); keeping != nil {
			a.console.log.Error("an answer could not be kept: sent again, the write is done again", "error", keeping)
		} else {
			kept = true
		}
	}
	got.send(w)
	return nil
}

// again answers a write whose key was seen before.
func (a *api) again(w http.ResponseWriter, r *http.Request, asking store.Asking, was store.Answer) error {
	switch {
	case was.Hash != asking.Hash:
		return &problem{status: http.StatusUnprocessableEntity, key: "error.used"}
	case was.Status == 0:
		return &problem{status: http.StatusConflict, key: "error.underway", wait: 1}
	}
	note(r, "", "sent again with its key; nothing was done")
	w.Header().Set("Content-Type", was.Kind)
	w.Header().Set("Idempotency-Replayed", "true")
	w.WriteHeader(was.Status)
	_, _ = w.Write(was.Body) // a program that has gone needs no answer
	return nil
}

// askedBy is whose keys these are: of one token, or of a person in a browser.
func askedBy(r *http.Request) string {
	who := visitOf(r).who
	return fmt.Sprintf("%d/%s", who.ID, who.Token)
}

// hashOf is what a request with the same key has to be the same in.
func hashOf(r *http.Request, body []byte) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{r.URL.Path, r.URL.RawQuery, string(body)}, "\x00")))
	return hex.EncodeToString(sum[:])
}
