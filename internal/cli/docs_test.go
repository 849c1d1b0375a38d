package cli

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// commandsOf are the command lines that a page shows, inline and in blocks.
func commandsOf(page string) [][]string {
	page = strings.ReplaceAll(page, "\\\n", " ")
	var all [][]string
	word := regexp.MustCompile(`(?:[^\s'"]|'[^']*'|"[^"]*")+`)
	for _, m := range regexp.MustCompile("(?m)`tandem ([a-z][^`\n]*)`|^ *(?:sudo -u tandem )?tandem ([a-z][^\n`]*)$").FindAllStringSubmatch(page, -1) {
		line, _, _ := strings.Cut(m[1]+m[2], " #")
		line, _, _ = strings.Cut(line, " > ")
		if strings.ContainsAny(line, "…[") {
			continue // not to be typed like this
		}
		var args []string
		for _, w := range word.FindAllString(line, -1) {
			args = append(args, strings.NewReplacer("'", "", `"`, "").Replace(w))
		}
		all = append(all, args)
	}
	return all
}

// Commands and flags that the pages show are those that there are. What an argument means is for other tests.
func TestTheCommandsOfThePagesExist(t *testing.T) {
	t.Parallel()
	pages := []string{filepath.Join("..", "..", "README.md")}
	err := filepath.WalkDir(filepath.Join("..", "..", "docs"), func(path string, _ fs.DirEntry, err error) error {
		if filepath.Ext(path) == ".md" {
			pages = append(pages, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, args := range commandsOf(string(text)) {
			read++
			parser, err := kong.New(&grammar{}, kong.Vars{"recipes": "any"})
			if err != nil {
				t.Fatal(err)
			}
			// A command that is only named lacks its arguments.
			if _, err := parser.Parse(args); err != nil && !strings.HasPrefix(err.Error(), "expected ") {
				t.Errorf("%s: tandem %s: %v", filepath.Base(page), strings.Join(args, " "), err)
			}
		}
	}
	if read < 150 {
		t.Errorf("only %d commands were found", read)
	}
}
