package console

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/engine"
)

//go:embed pages
var pageFiles embed.FS

// A view renders pages: pages/layout.html with one other file of pages/, which defines "title"
// and "content". Both are given a [page].
type view struct {
	hub     Hub
	files   *files
	log     *slog.Logger
	locales []*locale
	demo    bool                                     // there is something to break
	pages   map[string]map[string]*template.Template // by language and name
}

// A page is what templates work with; Data is the struct of the page itself.
type page struct {
	Name  string // of the template
	Lang  string
	Theme string // "", "light" or "dark"; "" = what the system has
	Nonce string // of scripts
	Path  string // what is shown, for the navigation
	Who   account.Principal
	Form  string // against forged requests; {{template "form" .}} puts it into a form
	Done  string // a notice of what was just done; "" = none
	Error string // what is wrong with what was entered; "" = nothing
	Data  any

	Places   []place // of the navigation
	Settings []place // the tabs of Settings
	Open     int     // how much waits for a decision
}

// Can reports whether whoever looks has a right: what they may not do is not shown.
func (p page) Can(right string) bool { return p.Who.Can(account.Right(right)) }

// On reports whether the page is below an address, for the navigation.
func (p page) On(prefix string) bool {
	return p.Path == prefix || strings.HasPrefix(p.Path, strings.TrimSuffix(prefix, "/")+"/") && prefix != "/"
}

// wishes are a person's own preferences.
type wishes struct {
	Language string `json:"language,omitempty" doc:"such as de; absent: the browser's"`
	Theme    string `json:"theme,omitempty" enum:"light,dark," doc:"absent: the system's"`
}

func wishesOf(p account.Person) wishes {
	var w wishes
	if json.Unmarshal([]byte(p.Wishes), &w) != nil {
		return wishes{} // of another version
	}
	return w
}

func newView(hub Hub, f *files, log *slog.Logger) (*view, error) {
	locales, err := loadLocales()
	if err != nil {
		return nil, err
	}
	v := &view{hub: hub, files: f, log: log, locales: locales, pages: map[string]map[string]*template.Template{}}
	names, err := fs.Glob(pageFiles, "pages/*.html")
	if err != nil {
		return nil, err
	}
	for _, l := range locales {
		layout, err := template.New("layout.html").Funcs(v.functions(l)).ParseFS(pageFiles, "pages/layout.html", "pages/parts.html")
		if err != nil {
			return nil, err
		}
		pages := map[string]*template.Template{}
		for _, file := range names {
			name := strings.TrimSuffix(path.Base(file), ".html")
			if name == "layout" || name == "parts" {
				continue
			}
			t, err := layout.Clone()
			if err == nil {
				t, err = t.ParseFS(pageFiles, file)
			}
			if err != nil {
				return nil, err
			}
			pages[name] = t
		}
		v.pages[l.tag.String()] = pages
	}
	return v, nil
}

// functions are what templates can call, beside the methods of what they are given.
func (v *view) functions(l *locale) template.FuncMap {
	return template.FuncMap{
		"t":       l.text,                                                                // a text: {{t "people.count" .N}}
		"time":    func(t time.Time) string { return l.stamp(t, v.hub.Plan().Timezone) }, // as people read it
		"n":       func(n any) string { return l.show(n) },                               // a number as people read it
		"bytes":   l.bytes,
		"took":    l.took,     // a duration
		"show":    shown,      // a value, as long as it is of use
		"badge":   badge,      // the look of a state
		"say":     l.sentence, // a text of the hub, in the language: {{say .Why}}
		"saying":  l.saying,   // for {{template "said" .Why}}, which marks what stays English
		"written": writtenBy,
		"lack":    lackWord,
		"runname": engine.RunName,
		"day":     func(t time.Time) string { return t.Format(l.text("format.day")) },                    // of a chart
		"iso":     func(t time.Time) string { return t.UTC().Format(time.RFC3339) },                      // for <time datetime>
		"file":    v.files.address,                                                                       // the address of a file of static/
		"langs":   func() []*locale { return v.locales },                                                 // all languages
		"short":   short,                                                                                 // a duration as people write it
		"device":  device,                                                                                // the browser that somebody uses, in two words
		"clock":   func(t time.Time) string { return t.In(v.hub.Plan().Timezone).Format(time.TimeOnly) }, // of what was just now
	}
}

// Tag is the language's own, such as "de".
func (l *locale) Tag() string { return l.tag.String() }

// Name is what the language calls itself.
func (l *locale) Name() string { return l.text("language") }

func (v *view) locale(r *http.Request, who account.Principal) *locale {
	return pick(v.locales, wishesOf(who.Person).Language, r.Header.Get("Accept-Language"))
}

// page answers with a page.
func (v *view) page(w http.ResponseWriter, r *http.Request, name string, data any) error {
	return v.render(w, r, http.StatusOK, name, "", data)
}

// again answers with the page of a form, and what is wrong with what was entered. Passwords
// are not shown again.
func (v *view) again(w http.ResponseWriter, r *http.Request, p *problem, name string, data any) error {
	visitOf(r).outcome = outcomeOf(p)
	if p.wait > 0 {
		w.Header().Set("Retry-After", fmt.Sprint(p.wait))
	}
	return v.render(w, r, p.status, name, visitOf(r).locale.text(p.key, p.args...), data)
}

func (v *view) render(w http.ResponseWriter, r *http.Request, status int, name, wrong string, data any) error {
	visit := visitOf(r)
	l := visit.locale
	t := v.pages[l.Tag()][name]
	if t == nil {
		return fmt.Errorf("there is no page %q", name)
	}
	p := page{
		Name: name, Lang: l.Tag(), Theme: wishesOf(visit.who.Person).Theme, Nonce: visit.nonce, Path: r.URL.Path, Who: visit.who,
		Form: formToken(visit.secret), Error: wrong, Data: data,
	}
	if key := "done." + r.URL.Query().Get("done"); l.has(key) && wrong == "" {
		p.Done = l.text(key)
	}
	if err := v.around(r, &p); err != nil {
		return fmt.Errorf("load what stands around the page %s: %w", name, err)
	}
	var b bytes.Buffer // whole or not at all
	if err := t.ExecuteTemplate(&b, "layout.html", p); err != nil {
		return fmt.Errorf("render the page %s: %w", name, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w) // a browser that has gone needs none
	return nil
}

// A problemBody is RFC 9457's.
type problemBody struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Code   string `json:"code"` // the same in every language

	Detail string      `json:"detail,omitempty"`
	Wrong  []wrongPart `json:"errors,omitempty"`
}

// A wrongPart is a part of a request with which something is wrong.
type wrongPart struct {
	Where string `json:"location"`
	What  string `json:"message"`
}

// problem answers with what went wrong, as a page or for programs.
func (v *view) problem(w http.ResponseWriter, r *http.Request, p *problem) {
	l := visitOf(r).locale
	text := l.text(p.key, p.args...)
	if !isAPI(r) {
		if err := v.render(w, r, p.status, "error", "", errorPage{Status: p.status, Text: text}); err != nil {
			v.log.Error("the error page failed", "error", err)
			w.WriteHeader(p.status)
		}
		return
	}
	if p.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="tandem"`)
	}
	detail, wrong := l.sentence(p.detail), slices.Clone(p.wrong)
	for i := range wrong {
		wrong[i].What = l.sentence(wrong[i].What)
	}
	v.json(w, p.status, "application/problem+json", problemBody{Type: "about:blank", Title: text, Status: p.status, Code: p.key, Detail: detail, Wrong: wrong})
}

type errorPage struct {
	Status int
	Text   string
}

func (v *view) json(w http.ResponseWriter, status int, kind string, body any) {
	b, err := json.Marshal(body)
	if err != nil {
		v.log.Error("an answer could not be encoded", "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n')) // a program that has gone needs none
}
