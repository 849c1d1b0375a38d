package connector

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tandemhub/tandem/record"
)

// A File is one file that hangs on a record.
type File struct {
	ID   string     // the vendor's; "" for one that is to be added
	Of   record.Ref // the record that it hangs on
	Name string     // as people see it, with its extension; the vendor may rewrite it
	Size int64      // in bytes; less than 0 = not known
	Type string     // media type, "application/pdf"; "" if not known
	// Hash tells whether the bytes are those of another file: the name of the algorithm, a
	// colon and lower-case hexadecimal digits, "md5:9e107d9d372bb6826bd81d3542a419d6"; "" if
	// the vendor tells none.
	Hash     string
	Modified time.Time // of its bytes, by the vendor's clock; zero if the vendor does not tell
}

// A FileStore keeps files on records. Only objects that the schema says have files can have
// any; for all others its methods fail with an error of kind Unsupported. A record that is
// not there is one of kind NotFound.
type FileStore interface {
	// Files returns the files of a record, each once, in the order of their names and,
	// among those of one name, of their ids.
	Files(ctx context.Context, r record.Ref) ([]File, error)
	// OpenFile returns the bytes of a file that Files or AddFile returned. The caller reads
	// them and closes; until then the context must live. What breaks off while it is read
	// is an error of Read that is no io.EOF.
	OpenFile(ctx context.Context, f File) (io.ReadCloser, error)
	// AddFile hangs a file on a record: the Name, Size and Type of f are used. It is carried
	// out once per key: repeated, also with a body that was read in part before, it returns
	// the file that is there. The body is not closed and not needed any more when AddFile
	// returns. Result is that of the record, of which the file is a part: its Version is
	// the one that the record has now, if the vendor says it.
	//
	// A file that is too large is refused, before it is sent if that can be known, with an
	// error of kind Invalid. One of kind Ambiguous means that the file may hang there:
	// repeating the call with the same key, after the object's Settle, is safe (R16).
	AddFile(ctx context.Context, key string, r record.Ref, f File, body io.Reader) (File, Result, error)
	// RemoveFile takes a file off its record. To remove one that is not there is success.
	RemoveFile(ctx context.Context, f File) error
}

// ReadFile reads the body of a file that is to be added, for vendors that have to know all of
// it before it is sent. A file of more than so many bytes is refused with an error of kind
// Invalid, before any of it is read if its Size is known.
func ReadFile(f File, body io.Reader, most int64) ([]byte, error) {
	tooLarge := &Error{
		Kind: Invalid, Scope: ScopeRecord, Fix: fmt.Sprintf("files of up to %d MB are taken", most>>20),
		Err: errors.New("the file is too large"),
	}
	if f.Size > most {
		return nil, tooLarge
	}
	b, err := io.ReadAll(io.LimitReader(body, most+1))
	if err != nil {
		return nil, &Error{Kind: Unavailable, Scope: ScopeRecord, Err: fmt.Errorf("read the file that is to be added: %w", err)}
	}
	if int64(len(b)) > most {
		return nil, tooLarge
	}
	return b, nil
}

// LackFiles is what a [Lack] of files names: without an object the connection has none at all.
const LackFiles = "files"

// Masked returns what is left of the abilities with what a Check found lacking: those that
// are lacking of the whole connection are nil (C2).
func (a Abilities) Masked(lacks []Lack) Abilities {
	for _, l := range lacks {
		if l.Object == "" && l.What == LackFiles {
			a.Files = nil
		}
	}
	return a
}
