package rest

import (
	"bytes"
	"cmp"
	"fmt"
	"mime/multipart"
	"net/textproto"
)

// FileForm encodes a multipart form that has a file, called name and of a media type, in its field
// "file", and returns it with its content type. A media type that is not known may be "".
func FileForm(fields [][2]string, name, media string, content []byte) (body []byte, contentType string, err error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, f := range fields {
		if err := w.WriteField(f[0], f[1]); err != nil {
			return nil, "", fmt.Errorf("encode %s: %w", f[0], err)
		}
	}
	part, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Type":        {cmp.Or(media, "application/octet-stream")},
		"Content-Disposition": {multipart.FileContentDisposition("file", name)},
	})
	if err == nil {
		_, err = part.Write(content)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, "", fmt.Errorf("encode file: %w", err)
	}
	return b.Bytes(), w.FormDataContentType(), nil
}
