package connectortest

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/twin"
)

// fileScenarios are about the files that hang on records.
func fileScenarios() []scenario {
	files := needAll(needFiles())
	return []scenario{
		{name: "a file is added once per key", needs: files, run: fileOnce},
		{name: "a file is removed", needs: files, run: fileRemoved},
		{name: "a file that is too large is refused", needs: needAll(needFiles(), needFileCap()), run: fileTooLarge},
		{name: "a record that is not there has no files", needs: files, run: filesOfNobody},
		{name: "an upload of unknown outcome makes no second file", needs: files, run: fileAmbiguous},
	}
}

// A sheet is a file for a test: bytes that are no text, and a name that every vendor takes.
type sheet struct {
	connector.File
	bytes []byte
}

func (b *Bench) sheet() sheet {
	n := b.next()
	body := []byte("%PDF-1.7\n\x00\xff\xfe " + n + "\r\n" + strings.Repeat("\x80\n", 40))
	return sheet{connector.File{Name: "offer-" + n + ".pdf", Size: int64(len(body)), Type: "application/pdf"}, body}
}

// add hangs a sheet on a record.
func (b *Bench) add(key, id string, s sheet) connector.File {
	b.Helper()
	f, res, err := b.Files.AddFile(b.ctx, key, b.ref(id), s.File, bytes.NewReader(s.bytes))
	if b.note(err); err != nil {
		b.Fatalf("add a file: %v", err)
	}
	if res.Ref != b.ref(id) {
		b.Errorf("the result of adding a file names %v, not its record", res.Ref)
	}
	if f.ID == "" || f.Of != b.ref(id) {
		b.Errorf("the file that was added has id %q and hangs on %v", f.ID, f.Of)
	}
	b.lag()
	if now := b.look(id).Version; res.Version != "" && res.Version != now {
		b.Errorf("with the file the record has version %q, the result says %q", now, res.Version)
	}
	return f
}

// files lists the files of a record, which must be in order.
func (b *Bench) files(id string) []connector.File {
	b.Helper()
	got, err := b.Files.Files(b.ctx, b.ref(id))
	if b.note(err); err != nil {
		b.Fatalf("list files: %v", err)
	}
	if !slices.IsSortedFunc(got, func(x, y connector.File) int {
		return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.ID, y.ID))
	}) {
		b.Errorf("the files are not in the order of their names: %v", got)
	}
	for _, f := range got {
		if f.Of != b.ref(id) {
			b.Errorf("file %s hangs on %v", f.ID, f.Of)
		}
	}
	return got
}

// holdsFiles fails unless exactly these files hang on a record, with the sheets' bytes.
func (b *Bench) holdsFiles(what, id string, want map[string]sheet) {
	b.Helper()
	var ids, wanted []string
	for _, f := range b.files(id) {
		ids = append(ids, f.ID)
		if s, ok := want[f.ID]; ok {
			b.isSheet(f, s)
		}
	}
	for fileID := range want {
		wanted = append(wanted, fileID)
	}
	b.same(what+": the files", ids, wanted)
}

// isSheet compares what is told of a file, and its bytes.
func (b *Bench) isSheet(f connector.File, s sheet) {
	b.Helper()
	if f.Name != s.Name || f.Size >= 0 && f.Size != s.Size || f.Type != "" && f.Type != s.Type {
		b.Errorf("file %q of %d bytes, %q, is listed as %q of %d bytes, %q", s.Name, s.Size, s.Type, f.Name, f.Size, f.Type)
	}
	body, err := b.Files.OpenFile(b.ctx, f)
	if b.note(err); err != nil {
		b.Fatalf("open a file: %v", err)
	}
	got, err := io.ReadAll(body)
	if err != nil {
		b.Errorf("read a file: %v", err)
	}
	if err := body.Close(); err != nil {
		b.Errorf("close a file: %v", err)
	}
	if !bytes.Equal(got, s.bytes) {
		b.Errorf("a file of %d bytes came back as %d others", len(s.bytes), len(got))
	}
}

func fileOnce(b *Bench) {
	b.prepare()
	id, s, key := b.put(), b.sheet(), b.key()
	first := b.add(key, id, s)
	b.isSheet(first, s)
	b.lag()
	if again := b.add(key, id, s); again.ID != first.ID {
		b.Errorf("repeated with its key, the file is %s, not %s", again.ID, first.ID)
	}
	b.holdsFiles("after a repetition", id, map[string]sheet{first.ID: s})
	twinned := b.add(b.key(), id, s) // the same bytes under another key are another file
	if twinned.ID == first.ID {
		b.Errorf("under another key the same bytes are the same file, %s", first.ID)
	}
	other := b.sheet()
	third := b.add(b.key(), id, other)
	b.lag()
	b.holdsFiles("after three keys", id, map[string]sheet{first.ID: s, twinned.ID: s, third.ID: other})
	if n := len(b.files(b.put())); n > 0 {
		b.Errorf("another record has %d files", n)
	}
}

func fileRemoved(b *Bench) {
	b.prepare()
	id, s := b.put(), b.sheet()
	gone, stays := b.add(b.key(), id, b.sheet()), b.add(b.key(), id, s)
	for range 2 { // removing what is not there is success
		if err := b.Files.RemoveFile(b.ctx, gone); err != nil {
			b.note(err)
			b.Fatalf("remove a file: %v", err)
		}
		b.lag()
		b.holdsFiles("after the removal", id, map[string]sheet{stays.ID: s})
	}
	b.one(id)
	body, err := b.Files.OpenFile(b.ctx, gone)
	if b.note(err); err == nil {
		_, err = io.ReadAll(body)
		_ = body.Close()
	}
	b.want("opening a file that was removed", err, connector.NotFound)
}

// zeros is a body without end; it counts what is taken of it.
type zeros struct{ taken int64 }

func (z *zeros) Read(p []byte) (int, error) {
	clear(p)
	z.taken += int64(len(p))
	return len(p), nil
}

// fileTooLarge adds a file that is one byte too large, and one whose size nobody knows
// beforehand and that does not end.
func fileTooLarge(b *Bench) {
	b.prepare()
	id, most := b.put(), b.suite.Spec.MaxFile
	for _, size := range []int64{most + 1, -1} {
		body := &zeros{}
		f := connector.File{Name: "large.bin", Size: size, Type: "application/octet-stream"}
		_, _, err := b.Files.AddFile(b.ctx, b.key(), b.ref(id), f, io.LimitReader(body, 4*most))
		b.note(err)
		e := b.classified(fmt.Sprintf("a file of size %d", size), err, connector.Invalid)
		if e.Fix == "" {
			b.Errorf("nobody says how large a file may be")
		}
		if size > most && body.taken > 0 {
			b.Errorf("%d bytes were read of a file that says that it is too large", body.taken)
		}
	}
	b.lag()
	b.holdsFiles("after refusals", id, nil)
}

func filesOfNobody(b *Bench) {
	b.prepare()
	s, nobody := b.sheet(), b.ref(b.missing())
	_, err := b.Files.Files(b.ctx, nobody)
	b.note(err)
	b.want("files of a record that is not there", err, connector.NotFound)
	_, _, err = b.Files.AddFile(b.ctx, b.key(), nobody, s.File, bytes.NewReader(s.bytes))
	b.note(err)
	b.want("adding a file to a record that is not there", err, connector.NotFound)
	err = b.Files.RemoveFile(b.ctx, connector.File{ID: b.missing(), Of: b.ref(b.put()), Name: s.Name})
	if b.note(err); err != nil {
		b.Errorf("removing a file that never was: %v", err)
	}
}

// fileAmbiguous loses the answer to every request by which a file is added, one after the
// other, and repeats with the same key (R16).
func fileAmbiguous(b *Bench) {
	b.prepare()
	b.add(b.key(), b.put(), b.sheet()) // so that what a connector asks once is asked
	id, s := b.put(), b.sheet()
	faults := b.committed(func() {
		_, _, err := b.Files.AddFile(b.ctx, b.key(), b.ref(id), s.File, bytes.NewReader(s.bytes))
		if b.note(err); err != nil {
			b.Fatalf("add a file: %v", err)
		}
	})
	if len(faults) == 0 {
		b.Fatalf("no request that adds a file changed anything, says the ledger")
	}
	for _, fault := range faults {
		for _, fault.Kind = range []twin.FaultKind{twin.FaultLostReply, twin.FaultErrorAfterCommit} {
			b.addUnheard(fault)
		}
	}
}

// committed returns faults that would strike the requests of f that changed something.
func (b *Bench) committed(f func()) []twin.Fault {
	var mu sync.Mutex
	var faults []twin.Fault
	var seen []string
	watching, acts := true, len(b.Twin.Kit().Ledger().Acts())
	b.Twin.Kit().After(func(r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		at, now := r.Method+" "+r.URL.Path, len(b.Twin.Kit().Ledger().Acts())
		if watching && now > acts {
			fault := twin.Fault{Method: r.Method, Path: r.URL.Path, Times: 1}
			for _, before := range seen {
				if strings.HasPrefix(before, at) { // as the fault will count
					fault.After++
				}
			}
			faults = append(faults, fault)
		}
		seen, acts = append(seen, at), now
	})
	f()
	mu.Lock()
	defer mu.Unlock()
	watching = false
	return faults
}

func (b *Bench) addUnheard(fault twin.Fault) {
	b.Helper()
	id, s, key := b.put(), b.sheet(), b.key()
	injected := b.Twin.Kit().Inject(fault)
	defer injected.Remove()
	_, _, err := b.Files.AddFile(b.ctx, key, b.ref(id), s.File, bytes.NewReader(s.bytes))
	if b.note(err); err != nil {
		b.want(fmt.Sprintf("adding a file with %s at %s", fault.Kind, fault.Path), err, connector.Ambiguous)
	}
	time.Sleep(b.shape.Settle)
	b.lag()
	f := b.add(key, id, s)
	b.holdsFiles(fmt.Sprintf("repeated after %s at %s", fault.Kind, fault.Path), id, map[string]sheet{f.ID: s})
}
