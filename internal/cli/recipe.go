package cli

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/examples"
	"github.com/tandemhub/tandem/internal/plan"
)

// readyLine is tandem init --recipe and --from with -o json.
type readyLine struct {
	File    string     `json:"file"`
	Recipe  string     `json:"recipe,omitempty"`
	From    string     `json:"from,omitempty"`
	LeftOut []leftLine `json:"left_out,omitempty"` // of the old file
}

type leftLine struct {
	Line int    `json:"line"`
	Text string `json:"text"`
}

// ready writes a recipe, or what an older file becomes.
func (c *initCmd) ready(a *app) error {
	if c.Left+c.Right+c.LeftURL+c.RightURL+c.LeftName+c.RightName != "" {
		return usage("--left and --right go with neither --recipe nor --from: the file that is written names its systems")
	}
	if c.Recipe != "" {
		if !slices.Contains(examples.Names(), c.Recipe) {
			return unknown("recipe", c.Recipe, examples.Names())
		}
		text, err := examples.Read(c.Recipe)
		if err != nil {
			return err
		}
		if err := a.writeNew(plan.WithPlace(text, c.Timezone, c.Country)); err != nil {
			return err
		}
		return a.toldReady(readyLine{File: a.config, Recipe: c.Recipe})
	}
	src, err := os.ReadFile(c.From)
	if err != nil {
		return usage("read the older file: %w", err)
	}
	text, problems := plan.FromOlder(c.From, src)
	if text == nil {
		return usage("%s", problems[0].String())
	}
	if err := a.writeNew(plan.WithPlace(text, c.Timezone, c.Country)); err != nil {
		return err
	}
	line := readyLine{File: a.config, From: c.From}
	for _, p := range problems {
		line.LeftOut = append(line.LeftOut, leftLine{Line: p.Line, Text: p.Text})
	}
	return a.toldReady(line)
}

func (a *app) toldReady(line readyLine) error {
	if a.json {
		return a.line(line)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s is written; its first lines say what it needs. tandem check says what is missing\n", line.File)
	if line.Recipe != "" {
		b.WriteString("look at its timezone and its country: they decide on days, on schedules and on phone numbers without a country code\n")
	}
	if len(line.LeftOut) > 0 {
		fmt.Fprintf(&b, "what was not taken over from %s:\n", line.From)
	}
	for _, x := range line.LeftOut {
		fmt.Fprintf(&b, "  line %d: %s\n", x.Line, oneLine(x.Text))
	}
	return a.print(b.String())
}
