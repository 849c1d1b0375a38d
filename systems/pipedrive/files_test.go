package pipedrive

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

func (b *bench) filesOf(object, id string) []connector.File {
	b.Helper()
	got, err := b.Files.Files(b.Context(), record.Ref{Object: object, ID: id})
	if err != nil {
		b.Fatal(err)
	}
	return got
}

func (b *bench) attach(object, id, name, content string) string {
	b.Helper()
	file, err := b.company.Attach(object, id, name, []byte(content))
	if err != nil {
		b.Fatal(err)
	}
	return file
}

func (b *bench) content(f connector.File) string {
	b.Helper()
	body, err := b.Files.OpenFile(b.Context(), f)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = body.Close() }()
	text, err := io.ReadAll(body)
	if err != nil {
		b.Fatal(err)
	}
	return string(text)
}

func names(files []connector.File) string {
	var all []string
	for _, f := range files {
		all = append(all, f.Name)
	}
	return strings.Join(all, " ")
}

// Pipedrive shows a deal's file with its person and organization too: it is the deal's alone,
// or it would be carried on three times. What a mail brought, and what lies elsewhere, is none.
func TestAFileHangsOnOneRecord(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		org := b.put(organizations, "", "name", "Berg")
		person := b.put(persons, "", "name", "Ann", "org_id", org)
		deal := b.put(deals, "", "title", "Pumps", "person_id", person, "org_id", org)
		b.attach(deals, deal, "offer.pdf", "of the deal")
		b.attach(persons, person, "card.pdf", "of the person")
		b.attach(organizations, org, "terms.pdf", "of the organization")
		b.company.Mailed(b.attach(deals, deal, "mailed.pdf", "of a mail"))
		b.company.Linked(b.attach(deals, deal, "linked.doc", "elsewhere"))
		for object, want := range map[string][3]string{
			deals: {deal, "offer.pdf", "of the deal"}, persons: {person, "card.pdf", "of the person"}, organizations: {org, "terms.pdf", "of the organization"},
		} {
			got := b.filesOf(object, want[0])
			if names(got) != want[1] || b.content(got[0]) != want[2] {
				b.Errorf("%s has %q", object, names(got))
			}
		}
		_, err := b.Files.Files(b.Context(), record.Ref{Object: leads, ID: "x"})
		want(b, "files of leads", err, connector.Unsupported, connector.ScopeObject)
	})
}

// More files than a page holds are listed once each.
func TestManyFilesAreListed(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{PageSize: 3}, func(b *bench) {
		for range 10 {
			b.attach(persons, "1", "card.pdf", "x")
		}
		if got := b.filesOf(persons, "1"); len(got) != 10 {
			b.Errorf("%d files", len(got))
		}
	})
}

// A file that was uploaded and not named yet, because the process ended, is named when the
// operation is repeated, and no second one is uploaded (R16).
func TestAnUploadIsFinishedByTheNextAttempt(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		broken := true
		b.tapped(func(r *http.Request) (int, string, string) {
			if broken && r.Method == http.MethodPut {
				return 400, asJSON, `{"success":false,"error":"no"}`
			}
			return 0, "", ""
		})
		add := func() (connector.File, error) {
			f, _, err := b.Files.AddFile(b.Context(), "op-1", record.Ref{Object: persons, ID: "1"}, connector.File{Name: "card.pdf", Size: 4}, strings.NewReader("card"))
			return f, err
		}
		if _, err := add(); err == nil {
			b.Fatal("a file without its name is no success")
		}
		broken = false
		for range 2 {
			f, err := add()
			if err != nil || f.Name != "card.pdf" {
				b.Fatalf("%+v, %v", f, err)
			}
		}
		if got := b.filesOf(persons, "1"); names(got) != "card.pdf" || b.content(got[0]) != "card" {
			b.Errorf("files %q", names(got))
		}
	})
}

// Bytes that come at once, without an address to fetch them from, are read as well.
func TestAFileThatComesAtOnceIsRead(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		b.attach(persons, "1", "card.pdf", "kept elsewhere")
		b.tapped(func(r *http.Request) (int, string, string) {
			if strings.HasSuffix(r.URL.Path, "/download") {
				return 200, "application/pdf", "at once"
			}
			return 0, "", ""
		})
		if got := b.content(b.filesOf(persons, "1")[0]); got != "at once" {
			b.Errorf("read %q", got)
		}
	})
}

// An address of the store that is refused is no refusal of Pipedrive's.
func TestAnAddressThatIsTooOldLimitsNothing(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		b.attach(persons, "1", "card.pdf", "x")
		b.tapped(func(r *http.Request) (int, string, string) {
			if strings.Contains(r.URL.Host, "amazonaws") {
				return 403, "application/xml", "<Error/>"
			}
			return 0, "", ""
		})
		_, err := b.Files.OpenFile(b.Context(), b.filesOf(persons, "1")[0])
		if connector.KindOf(err) != connector.Forbidden {
			b.Errorf("%v", err)
		}
	})
}

// A merge whose answer is lost was carried out if its loser is gone (R16).
func TestAMergeOfUnknownOutcomeIsLookedUp(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		keep, lose := b.put(persons, "", "name", "Ann"), b.put(persons, "", "name", "Anna")
		b.company.Kit().Inject(twin.Fault{Kind: twin.FaultErrorAfterCommit, Method: http.MethodPut, Path: "/api/v1/persons", Times: 1})
		b.company.Kit().Inject(twin.Fault{Kind: twin.FaultErrorAfterCommit, Method: http.MethodPut, Path: "/v1/persons", Times: 1})
		r, err := b.Merger.Merge(b.Context(), record.Ref{Object: persons, ID: keep}, []record.Ref{{Object: persons, ID: lose}})
		if err != nil || r.Ref.ID != keep {
			b.Fatalf("%+v, %v", r, err)
		}
		time.Sleep(time.Minute)
		if c := b.one(persons, lose); c.Fate != connector.Merged || c.Into[0].ID != keep {
			b.Errorf("the loser reads %+v", c)
		}
	})
}
