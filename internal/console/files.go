package console

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
)

//go:embed static
var staticFiles embed.FS

// files are what browsers load beside pages. Their address has a hash of all of them, so that
// a browser keeps each for ever, and scripts import each other by plain relative names.
type files struct {
	hash  string
	bytes map[string][]byte
}

func newFiles() (*files, error) {
	f := &files{bytes: map[string][]byte{}}
	sum := sha256.New()
	err := fs.WalkDir(staticFiles, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := staticFiles.ReadFile(name)
		if err != nil {
			return err
		}
		short := name[len("static/"):]
		f.bytes[short] = b
		for _, part := range [][]byte{[]byte(short), {0}, b, {0}} {
			sum.Write(part)
		}
		return nil
	})
	f.hash = hex.EncodeToString(sum.Sum(nil))[:16]
	return f, err
}

// address returns where a file is.
func (f *files) address(name string) string { return "/static/" + f.hash + "/" + name }

// kinds are what the files may be; the system's own table differs from machine to machine.
func kindOf(name string) string {
	return map[string]string{
		".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
		".png": "image/png", ".ico": "image/x-icon", ".woff2": "font/woff2",
	}[path.Ext(name)]
}

// show answers with one file.
func (f *files) show(w http.ResponseWriter, r *http.Request) error {
	b, found := f.bytes[r.PathValue("file")]
	if !found || r.PathValue("hash") != f.hash || kindOf(r.PathValue("file")) == "" {
		return errNotFound()
	}
	w.Header().Set("Content-Type", kindOf(r.PathValue("file")))
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(b) // a browser that has gone needs none
	return nil
}
