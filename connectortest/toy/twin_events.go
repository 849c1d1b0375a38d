package toy

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/tandemhub/tandem/twin"
)

// twinStory is something that happened to somebody, as a program tells it.
type twinStory struct {
	Key, Name, Who string
	At             int64
	Facts          map[string]string
}

// A Story is something that happened to somebody, as the vendor was told of it.
type Story struct {
	Key, Name, Who string
	At             time.Time
	Facts          map[string]string
}

// Stories returns what the vendor was told of, in the order in which it was.
func (a *Twin) Stories() []Story {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []Story
	for _, s := range a.stories {
		out = append(out, Story{s.Key, s.Name, s.Who, time.UnixMilli(s.At).UTC(), maps.Clone(s.Facts)})
	}
	return out
}

func (a *Twin) serveEvents(w http.ResponseWriter, r *http.Request) {
	var in struct{ Events []twinStory }
	if !a.decodeAlone(w, r, &in) {
		return
	}
	for _, s := range in.Events {
		if s.Who == "" || s.Name == "" {
			twinRefuse(w, http.StatusUnprocessableEntity, twinRefusal{Code: "invalid", Key: "who", Text: "To whom did what happen?"})
			return
		}
	}
	for _, s := range in.Events {
		a.stories = append(a.stories, s)
		a.Ledger().Record(twin.Act{By: "api", Verb: "create", Object: "events", ID: s.Key, Fields: s.Facts})
	}
	twinAnswer(w, map[string]int{"taken": len(in.Events)})
}

func (a *Twin) serveEventsSeen(w http.ResponseWriter, r *http.Request) {
	var in struct{ Keys []string }
	if !a.decodeAlone(w, r, &in) {
		return
	}
	seen := make([]bool, len(in.Keys))
	for i, key := range in.Keys {
		seen[i] = slices.ContainsFunc(a.stories, func(s twinStory) bool { return s.Key == key })
	}
	twinAnswer(w, map[string]any{"seen": seen})
}

// decodeAlone reads a body that names no table.
func (a *Twin) decodeAlone(w http.ResponseWriter, r *http.Request, into any) bool {
	a.query(r)
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		a.Unknown(r, "body: "+err.Error())
		twinRefuse(w, http.StatusBadRequest, twinRefusal{Code: "unreadable", Text: "The body cannot be read"})
		return false
	}
	return true
}
