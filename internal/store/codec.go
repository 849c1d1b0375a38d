package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tandemhub/tandem/record"
)

// micros is how a time is kept; the zero time is 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}

// encode returns the fields' canonical encoding; nil fields have none.
func encode(f record.Fields) []byte {
	if f == nil {
		return nil
	}
	return f.Append(make([]byte, 0, 32*len(f)+16))
}

func decode(b []byte) (record.Fields, error) {
	if len(b) == 0 {
		return nil, nil
	}
	return record.DecodeFields(b)
}

// encodeValue returns a value's canonical encoding; the empty value has none.
func encodeValue(v record.Value) []byte {
	if v.IsEmpty() {
		return nil
	}
	b, err := v.MarshalJSON()
	if err != nil {
		return nil // cannot happen: every value has an encoding
	}
	return b
}

func decodeValue(b []byte) (record.Value, error) {
	var v record.Value
	if len(b) == 0 {
		return v, nil
	}
	err := v.UnmarshalJSON(b)
	return v, err
}

// texts are kept as JSON: lists of names that nobody searches.
func encodeTexts(list []string) string {
	if len(list) == 0 {
		return ""
	}
	b, err := json.Marshal(list)
	if err != nil {
		return "" // cannot happen: texts always have an encoding
	}
	return string(b)
}

func decodeTexts(s string) ([]string, error) {
	if s == "" {
		return nil, nil
	}
	var list []string
	err := json.Unmarshal([]byte(s), &list)
	return list, err
}

// encodeReasons keeps a map of texts in the form of fields.
func encodeReasons(m map[string]string) []byte {
	if len(m) == 0 {
		return nil
	}
	f := make(record.Fields, len(m))
	for k, v := range m {
		f[k] = record.Text(v)
	}
	return encode(f)
}

func decodeReasons(b []byte) (map[string]string, error) {
	f, err := decode(b)
	if err != nil || len(f) == 0 {
		return nil, err
	}
	m := make(map[string]string, len(f))
	for k, v := range f {
		m[k] = v.Text()
	}
	return m, nil
}

// Rows of the outbox and of the mirror hold short lists of texts that are read and
// written with every record; each text stands behind its length.

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

var errTexts = errors.New("a damaged list of texts")

func takeText(b []byte) (string, []byte, error) {
	text, rest, err := takeBytes(b)
	return string(text), rest, err
}

// takeBytes returns a part of b, which lives as long as b does.
func takeBytes(b []byte) (part, rest []byte, err error) {
	n, used := binary.Uvarint(b)
	if used <= 0 || n > uint64(len(b)-used) {
		return nil, nil, errTexts
	}
	end := used + int(n)
	return b[used:end], b[end:], nil
}

// encodeBody keeps what of an operation never changes; its claim comes first.
func (o *Op) encodeBody() []byte {
	set, was, source := encode(o.Set), encode(o.Was), encode(o.Source)
	means := encodeMeans(o.Fields)
	b := make([]byte, 0, len(set)+len(was)+len(source)+len(means)+len(o.Claim)+len(o.Key)+len(o.IfVersion)+64)
	b = appendText(b, o.Claim)
	b = appendText(b, o.Key)
	b = appendText(b, o.IfVersion)
	for _, part := range [][]byte{set, was, source, means} {
		b = append(binary.AppendUvarint(b, uint64(len(part))), part...)
	}
	for _, n := range []int64{o.Run, o.Link, o.Seen[record.Left], o.Seen[record.Right]} {
		b = binary.AppendVarint(b, n)
	}
	return b
}

func (o *Op) decodeBody(b []byte) error {
	var err error
	for _, to := range []*string{&o.Claim, &o.Key, &o.IfVersion} {
		if *to, b, err = takeText(b); err != nil {
			return err
		}
	}
	for _, to := range []*record.Fields{&o.Set, &o.Was, &o.Source} {
		var part []byte
		if part, b, err = takeBytes(b); err != nil {
			return err
		}
		if *to, err = decode(part); err != nil {
			return err
		}
	}
	means, b, err := takeBytes(b)
	if err != nil {
		return err
	}
	if o.Fields, err = decodeMeans(means); err != nil {
		return err
	}
	for _, to := range []*int64{&o.Run, &o.Link, &o.Seen[record.Left], &o.Seen[record.Right]} {
		n, used := binary.Varint(b)
		if used <= 0 {
			return errTexts
		}
		*to, b = n, b[used:]
	}
	return nil
}

// encodeMeans keeps what an operation's fields mean.
func encodeMeans(fields []OpField) []byte {
	if len(fields) == 0 {
		return nil
	}
	b := make([]byte, 0, 64*len(fields))
	for _, f := range fields {
		b = appendText(b, f.Key)
		b = appendText(b, f.Wire)
		b = appendText(b, f.Rule)
		b = appendText(b, string(encodeValue(f.Source)))
		flag := byte(0)
		if f.Lost != nil {
			flag = 1 + byte(f.Lost.Side)
		}
		if f.Base != nil {
			flag |= hasBase
		}
		if f.Link != 0 {
			flag |= hasLink
		}
		b = append(b, flag)
		if f.Lost != nil {
			b = appendText(b, string(encodeValue(f.Lost.Value)))
		}
		if f.Base != nil {
			b = appendText(b, string(encodeValue(*f.Base)))
		}
		if f.Link != 0 {
			b = binary.AppendVarint(b, f.Link)
		}
	}
	return b
}

func decodeMeans(b []byte) ([]OpField, error) {
	var fields []OpField
	for len(b) > 0 {
		var f OpField
		var source []byte
		var err error
		for _, to := range []*string{&f.Key, &f.Wire, &f.Rule} {
			if *to, b, err = takeText(b); err != nil {
				return nil, err
			}
		}
		if source, b, err = takeBytes(b); err != nil {
			return nil, err
		}
		if f.Source, err = decodeValue(source); err != nil {
			return nil, err
		}
		if b, err = f.takeMore(b); err != nil {
			return nil, err
		}
		fields = append(fields, f)
	}
	return fields, nil
}

// hasBase marks a field of an operation that says what was agreed of its target, hasLink one
// that is a member's.
const (
	hasBase = 4
	hasLink = 8
)

// takeMore takes the parts that few fields have.
func (f *OpField) takeMore(b []byte) ([]byte, error) {
	if len(b) == 0 || b[0]&^(hasBase|hasLink) > 2 {
		return nil, errTexts
	}
	flag, b := b[0], b[1:]
	if side := flag &^ (hasBase | hasLink); side != 0 {
		v, rest, err := takeValue(b)
		if err != nil {
			return nil, fmt.Errorf("decode what was lost: %w", err)
		}
		f.Lost, b = &Lost{Side: record.Side(side - 1), Value: v}, rest
	}
	if flag&hasBase != 0 {
		v, rest, err := takeValue(b)
		if err != nil {
			return nil, fmt.Errorf("decode what was agreed: %w", err)
		}
		f.Base, b = &v, rest
	}
	if flag&hasLink == 0 {
		return b, nil
	}
	link, used := binary.Varint(b)
	if used <= 0 {
		return nil, errTexts
	}
	f.Link = link
	return b[used:], nil
}

func takeValue(b []byte) (record.Value, []byte, error) {
	kept, b, err := takeBytes(b)
	if err != nil {
		return record.Value{}, nil, err
	}
	v, err := decodeValue(kept)
	return v, b, err
}
