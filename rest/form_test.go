package rest

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"testing"
)

func TestAFormHasItsFieldsAndItsFile(t *testing.T) {
	t.Parallel()
	for media, want := range map[string]string{"text/csv": "text/csv", "": "application/octet-stream"} {
		body, kind, err := FileForm([][2]string{{"options", `{"a":1}`}, {"deal_id", "7"}}, `a "b" ü.csv`, media, []byte("x;y\r\n"))
		if err != nil {
			t.Fatal(err)
		}
		_, params, err := mime.ParseMediaType(kind)
		if err != nil {
			t.Fatal(err)
		}
		form := multipart.NewReader(bytes.NewReader(body), params["boundary"])
		for _, part := range [][2]string{{"options", `{"a":1}`}, {"deal_id", "7"}, {"file", "x;y\r\n"}} {
			p, err := form.NextPart()
			if err != nil {
				t.Fatalf("%s: %v", part[0], err)
			}
			text, err := io.ReadAll(p)
			if err != nil || p.FormName() != part[0] || string(text) != part[1] {
				t.Errorf("part %q is %q, %v; want %q", p.FormName(), text, err, part)
			}
			if part[0] == "file" && (p.FileName() != `a "b" ü.csv` || p.Header.Get("Content-Type") != want) {
				t.Errorf("the file is called %q, of %q", p.FileName(), p.Header.Get("Content-Type"))
			}
		}
		if _, err := form.NextPart(); err != io.EOF {
			t.Errorf("behind the file: %v", err)
		}
	}
}
