package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/plan"
)

type initCmd struct {
	Left      string `placeholder:"SYSTEM" help:"System of the left side; data flows from it at first."`
	Right     string `placeholder:"SYSTEM" help:"System of the right side."`
	LeftURL   string `name:"left-url" placeholder:"URL" help:"Address of the left side's API."`
	RightURL  string `name:"right-url" placeholder:"URL" help:"Address of the right side's API."`
	LeftName  string `placeholder:"NAME" help:"What to call the left connection. Default: its system."`
	RightName string `placeholder:"NAME" help:"What to call the right connection. Default: its system."`
	Timezone  string `placeholder:"ZONE" help:"IANA time zone, like Europe/Athens. Default: TZ, else UTC."`
	Recipe    string `placeholder:"NAME" xor:"source" help:"Write an example that works as it stands: ${recipes}."`
	From      string `placeholder:"FILE" xor:"source" help:"Convert a file of the older format (connectors, person_mapping, deal_stage_mapping, lists, webhooks)."`
	Country   string `placeholder:"CODE" help:"Country of phone numbers without a prefix, like GR."`
}

// initLine is tandem init -o json.
type initLine struct {
	File      string         `json:"file"`
	Variables []variableLine `json:"variables"`
}

type variableLine struct {
	Name       string `json:"name"`
	Connection string `json:"connection"`
	Setting    string `json:"setting"`
	Help       string `json:"help,omitempty"`
	Set        bool   `json:"set"`
}

// Run writes the file, unless there is one.
func (c *initCmd) Run(ctx context.Context, a *app) error {
	if exists(a.config) {
		return usage("%s exists already, and is left as it is; -c names another file", a.config)
	}
	if err := c.place(); err != nil {
		return err
	}
	if c.Recipe != "" || c.From != "" {
		return c.ready(a)
	}
	if err := c.ask(a); err != nil {
		return err
	}
	in, err := c.input(ctx, a)
	if err != nil {
		return err
	}
	if err := a.writeNew(plan.Starter(in)); err != nil {
		return err
	}
	env, err := a.environment()
	if err != nil {
		return err
	}
	line := initLine{File: a.config, Variables: []variableLine{}}
	for _, v := range plan.StarterVariables(in) {
		_, set := env(v.Name)
		line.Variables = append(line.Variables, variableLine{Name: v.Name, Connection: v.Connection, Setting: v.Setting, Help: v.Help, Set: set})
	}
	if a.json {
		return a.line(line)
	}
	return a.print(initText(line))
}

// place refuses a time zone and a country that there are not.
func (c *initCmd) place() (err error) {
	if _, err := time.LoadLocation(c.Timezone); err != nil || c.Timezone == "Local" {
		return usage("there is no time zone %q; it is written like Europe/Athens", c.Timezone)
	}
	if c.Country == "" {
		return nil
	}
	if c.Country, err = plan.CountryCode(c.Country); err != nil {
		return usage("--country: %w", err)
	}
	return nil
}

// noFolder says that there is none for a file.
func noFolder(file string) error {
	return usage("there is no folder %s; make it first", filepath.Dir(file))
}

// writeNew writes the configuration where there is none.
func (a *app) writeNew(text []byte) error {
	// O_EXCL: a file that came about meanwhile is not overwritten either.
	f, err := os.OpenFile(a.config, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // it holds no secret, and a service may read it as another user
	if errors.Is(err, fs.ErrNotExist) {
		return noFolder(a.config)
	}
	if err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	return nil
}

// ask fills in what the flags left open, if a person is there to answer.
func (c *initCmd) ask(a *app) error {
	if c.Left != "" && c.Right != "" {
		return nil
	}
	if !isTerminal(a.In) {
		return usage("name the two systems: tandem init --left SYSTEM --right SYSTEM; the systems are: %s", strings.Join(a.systemNames(), ", "))
	}
	q := questions{in: bufio.NewScanner(a.In), out: a.Err}
	for _, end := range []struct {
		side      string
		name, url *string
	}{{"left", &c.Left, &c.LeftURL}, {"right", &c.Right, &c.RightURL}} {
		if *end.name == "" {
			*end.name = q.choose("System of the "+end.side+" side", a.systemNames())
		}
		sys, err := a.system(*end.name)
		if err != nil {
			return err
		}
		if *end.url == "" && sys.Spec.BaseURL == "" {
			*end.url = q.text("Address of the API of "+sys.Spec.Title+" (may stay empty for now)", "")
		}
	}
	if c.Timezone == "" {
		c.Timezone = q.text("Time zone", a.zone())
	}
	return q.err
}

func (a *app) systemNames() []string {
	var names []string
	for _, s := range a.systems {
		names = append(names, s.Spec.Name)
	}
	return names
}

// zone is the time zone of the environment, if it is one that every machine knows.
func (a *app) zone() string {
	if tz, ok := a.Env("TZ"); ok && tz != "" && tz != "Local" {
		if _, err := time.LoadLocation(tz); err == nil {
			return tz
		}
	}
	return "UTC"
}

func (c *initCmd) input(ctx context.Context, a *app) (plan.StarterInput, error) {
	in := plan.StarterInput{Timezone: c.Timezone, Country: c.Country}
	if in.Timezone == "" {
		in.Timezone = a.zone()
	}
	for i, end := range []struct{ system, name, url string }{
		{c.Left, c.LeftName, c.LeftURL}, {c.Right, c.RightName, c.RightURL},
	} {
		sys, err := a.system(end.system)
		if err != nil {
			return in, err
		}
		in.Ends[i] = plan.StarterEnd{Name: end.name, Spec: sys.Spec, URL: strings.TrimRight(end.url, "/")}
		// The account itself cannot be asked yet. The simulation knows what a fresh one has.
		if sys.Twin != nil {
			if schema, err := twinSchema(ctx, sys); err == nil {
				in.Ends[i].Objects = schema.Objects
			}
		}
	}
	if c.Left == c.Right && c.LeftName == c.RightName {
		in.Ends[0].Name, in.Ends[1].Name = c.Left+"_left", c.Right+"_right"
	}
	return in, nil
}

// initText says what to do next.
func initText(line initLine) string {
	var b strings.Builder
	fmt.Fprintf(&b, "wrote %s\n\nNext:\n", line.File)
	step := 1
	todo := func(format string, args ...any) {
		fmt.Fprintf(&b, "  %d. %s\n", step, fmt.Sprintf(format, args...))
		step++
	}
	todo("read it, and put in what says CHANGE_ME or example.com")
	for _, v := range line.Variables {
		switch {
		case v.Set:
			todo("%s is set already", v.Name)
		case v.Help != "":
			todo("put %s=… into %s (%s)", v.Name, filepath.Join(filepath.Dir(line.File), ".env"), strings.TrimSuffix(v.Help, "."))
		default:
			todo("put %s=… into %s", v.Name, filepath.Join(filepath.Dir(line.File), ".env"))
		}
	}
	todo("tandem check   says whether the connections work")
	todo("tandem plan    shows what would happen; it writes to nobody")
	todo("tandem sync    does it")
	return b.String()
}

// questions ask a person. The first error sticks.
type questions struct {
	in  *bufio.Scanner
	out io.Writer
	err error
}

// text asks for a line; an empty one means the default.
func (q *questions) text(what, standard string) string {
	if q.err != nil {
		return standard
	}
	if standard != "" {
		what += " [" + standard + "]"
	}
	fmt.Fprintf(q.out, "%s: ", what)
	if !q.in.Scan() {
		q.err = usage("no answer; nothing was written")
		return standard
	}
	if s := strings.TrimSpace(q.in.Text()); s != "" {
		return s
	}
	return standard
}

// choose asks until the answer is one of the words.
func (q *questions) choose(what string, words []string) string {
	for q.err == nil {
		got := q.text(what+" ("+strings.Join(words, ", ")+")", "")
		for _, w := range words {
			if strings.EqualFold(got, w) {
				return w
			}
		}
	}
	return ""
}
