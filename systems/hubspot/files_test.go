package hubspot

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
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

func (b *bench) addFile(key, object, id, name, content string) (connector.File, connector.Result) {
	b.Helper()
	f, r, err := b.Files.AddFile(b.Context(), key, record.Ref{Object: object, ID: id}, connector.File{Name: name, Size: -1}, strings.NewReader(content))
	if err != nil {
		b.Fatal(err)
	}
	return f, r
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

// A file hangs on a record by a note of its own, which carries the operation's key, and only
// users of the account can read it.
func TestFileHangsByANote(t *testing.T) {
	t.Parallel()
	for _, version := range []string{versionCurrent, "2026-03", versionLegacy} {
		inBubble(t, twin.Options{}, func(b *bench) {
			b.open(connector.Settings{settingVersion: version})
			b.schema()
			machine := b.put(machines, "", "serial_number", "A1")
			deal, lead := b.deal(), b.write(connector.Create, leads, connector.Op{Set: set("hs_lead_name", "Ann", linkContacts, b.contacts(1)[0])})[0].Ref.ID
			for object, id := range map[string]string{deals: deal, leads: lead, machines: machine} {
				f, r := b.addFile("key-"+object, object, id, "Προσφορά 7.pdf", "bytes of "+object)
				if f.Name != "Προσφορά 7.pdf" || !strings.HasPrefix(f.Hash, "md5:") || f.Modified.IsZero() || r.Version == "" {
					b.Errorf("%s: %+v %+v", object, f, r)
				}
				if got := b.filesOf(object, id); len(got) != 1 || got[0] != f || b.content(f) != "bytes of "+object {
					b.Errorf("%s: %+v", object, got)
				}
			}
			for _, path := range b.account.StoredFiles() {
				if !strings.HasPrefix(path, "PRIVATE /tandem/") {
					b.Errorf("stored: %s", path)
				}
			}
			keys := []string{}
			for _, row := range b.account.Rows(notes) {
				keys = append(keys, row.Fields[propKey])
			}
			if slices.Sort(keys); !slices.Equal(keys, []string{"key-2-17701501", "key-deals", "key-leads"}) {
				b.Errorf("keys of the notes: %q", keys)
			}
		})
	}
}

// What people attach is listed and opened; to take it off leaves their note and, in the file
// manager, their file.
func TestFilesOfPeople(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		ann := b.contacts(1)[0]
		theirs, err := b.account.Attach(contacts, ann, "passport.png", []byte("a picture"))
		if err != nil {
			b.Fatal(err)
		}
		ours, _ := b.addFile("k1", contacts, ann, "offer.pdf", "an offer")
		got := b.filesOf(contacts, ann)
		if len(got) != 2 || got[0].Name != "offer.pdf" || got[1].ID != theirs || got[1].Size != 9 || b.content(got[1]) != "a picture" {
			b.Fatalf("%+v", got)
		}
		for _, f := range []connector.File{ours, got[1]} {
			if err := b.Files.RemoveFile(b.Context(), f); err != nil {
				b.Fatal(err)
			}
		}
		if left := b.filesOf(contacts, ann); len(left) != 0 {
			b.Errorf("left: %+v", left)
		}
		if rows := b.account.Rows(notes); len(rows) != 1 || rows[0].Fields[propBody] != "See the file" {
			b.Errorf("notes: %+v", rows)
		}
		if all := b.account.StoredFiles(); !slices.Equal(all, []string{"PRIVATE /crm-attachments/passport.png"}) {
			b.Errorf("files: %v", all)
		}
	})
}

// The signed address lies elsewhere: no credential goes there, and with url set it is asked
// for at that origin (C9).
func TestFilesAreFetchedWithoutOurCredential(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{"": "146000217.fs1.hubspotusercontent-eu1.net", "https://sandbox.example.com": "sandbox.example.com"} {
		inBubble(t, twin.Options{}, func(b *bench) {
			hosts := []string{}
			transport := watched{twin.Transport(b.account), func(r *http.Request) {
				if strings.Contains(r.URL.Path, "/hubfs-signed/") {
					hosts = append(hosts, r.URL.Host+r.Header.Get("Authorization"))
				}
			}}
			a, _, err := rest.Open(Spec(), rest.OpenOptions{URL: url, Secrets: b.account.Settings(), Transport: transport})
			if err != nil {
				b.Fatal(err)
			}
			b.Abilities = a
			f, _ := b.addFile("k1", contacts, b.contacts(1)[0], "offer.pdf", "an offer")
			if text := b.content(f); text != "an offer" || !slices.Equal(hosts, []string{want}) {
				b.Errorf("%q from %q", text, hosts)
			}
		})
	}
}

type watched struct {
	next http.RoundTripper
	see  func(*http.Request)
}

func (w watched) RoundTrip(r *http.Request) (*http.Response, error) {
	w.see(r)
	return w.next.RoundTrip(r)
}

// HubSpot may take less than we do.
func TestFileTooLargeForTheAccount(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		b.account.SetMaxFile(10)
		id := b.contacts(1)[0]
		_, _, err := b.Files.AddFile(b.Context(), "k1", record.Ref{Object: contacts, ID: id}, connector.File{Name: "a.pdf", Size: 11}, strings.NewReader("01234567890"))
		if e := b.wantKind(err, connector.Invalid); e.Fix == "" || e.Scope != connector.ScopeRecord {
			b.Errorf("%+v", e)
		}
		if len(b.account.Rows(notes)) != 0 || len(b.filesOf(contacts, id)) != 0 {
			b.Error("something was made")
		}
	})
}

// A token without the scope: check says so where files are wanted, and the ability is gone (C2).
func TestFilesNeedTheirScope(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		b.account.Revoke(scopeFiles)
		id, err := b.Check.Check(b.Context())
		if err != nil || len(id.Lacks) != 0 || b.Masked(id.Lacks).Files == nil {
			b.Errorf("nobody asked for files: %+v %v", id.Lacks, err)
		}
		b.open(connector.Settings{settingFiles: "yes"})
		id, err = b.Check.Check(b.Context())
		if err != nil || len(id.Lacks) != 1 || id.Lacks[0].What != connector.LackFiles || !strings.Contains(id.Lacks[0].Remedy, "the scope files") {
			b.Fatalf("%+v %v", id.Lacks, err)
		}
		if able := b.Masked(id.Lacks); able.Files != nil || able.Source == nil {
			b.Errorf("masked: %v", able.Names())
		}
		_, _, err = b.Files.AddFile(b.Context(), "k", record.Ref{Object: contacts, ID: b.contacts(1)[0]}, connector.File{Name: "a.pdf"}, bytes.NewReader(nil))
		if e := b.wantKind(err, connector.Forbidden); !strings.Contains(e.Fix, "the scope files") {
			b.Errorf("%+v", e)
		}
	})
}

// An upload that nobody heard of is found by its bytes in the folder of its key, and not
// repeated (R16); a file that was deleted meanwhile is no more.
func TestUploadIsLookedUpBeforeItIsRepeated(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		ref := record.Ref{Object: contacts, ID: b.contacts(1)[0]}
		b.account.Inject(twin.Fault{Kind: twin.FaultLostReply, Method: http.MethodPost, Path: "/files/", Times: 1})
		_, _, err := b.Files.AddFile(b.Context(), "k1", ref, connector.File{Name: "a.pdf"}, strings.NewReader("a"))
		b.wantKind(err, connector.Ambiguous)
		time.Sleep(settle)
		f, _ := b.addFile("k1", contacts, ref.ID, "a.pdf", "a")
		if all := b.account.StoredFiles(); len(all) != 1 || len(b.account.Rows(notes)) != 1 {
			b.Errorf("files %v, %d notes", all, len(b.account.Rows(notes)))
		}
		b.account.SetSearchLag(0)
		b.account.Inject(twin.Fault{Kind: twin.FaultLostReply, Method: http.MethodPost, Path: "/files/", Times: 1})
		b.addFile("k2", contacts, ref.ID, "a.pdf", "a") // it was seen at once
		if all := b.account.StoredFiles(); len(all) != 2 {
			b.Errorf("files %v", all)
		}
		if err := b.account.DeleteFile(f.ID); err != nil {
			b.Fatal(err)
		}
		if got := b.filesOf(contacts, ref.ID); len(got) != 1 {
			b.Errorf("%+v", got)
		}
		_, err = b.Files.OpenFile(b.Context(), f)
		b.wantKind(err, connector.NotFound)
	})
}

func TestFilesOfWhatHasNone(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		for _, object := range []string{owners, products, lists, "nothing"} {
			_, err := b.Files.Files(b.Context(), record.Ref{Object: object, ID: "1"})
			b.wantKind(err, connector.Unsupported)
		}
		for object, id := range map[string]string{contacts: "4711", notes: "4711", deals: "no id"} {
			_, err := b.Files.Files(b.Context(), record.Ref{Object: object, ID: id})
			b.wantKind(err, connector.NotFound)
		}
	})
}
