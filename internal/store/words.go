package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/connector"
)

// sqlWords keeps by which words people find records. A word is bytes, which both databases
// compare as such: so all that begin alike stand together, in every language.
func sqlWords() []string {
	return []string{`CREATE TABLE mirror_words (workspace {int}, object {int}, word {blob}, id {text}, PRIMARY KEY (object, word, id)){keyed}`}
}

// wordName is the name of keys that are words.
const wordName = "~"

// longestWord is how many bytes of a word count.
const longestWord = 40

// WordKey is the index entry of a record that is to be found by the beginning of a word, in its
// normal form: of a name, an address, a number.
func WordKey(word string) Key {
	if len(word) > longestWord {
		word = word[:longestWord]
	}
	return Key{Name: wordName, Value: word}
}

func (k Key) isWord() bool { return k.Name == wordName }

// A worded is an entry of the index of words.
type worded struct{ word, id string }

// dropWords takes the words that a row no longer has out of the index, and returns those that are new
// in it: old and now are all of its keys.
func (t *tx) dropWords(object int64, id string, old, now []Key) ([]worded, error) {
	for _, k := range old {
		if !k.isWord() || slices.Contains(now, k) {
			continue
		}
		if _, err := t.exec(`DELETE FROM mirror_words WHERE object = ? AND word = ? AND id = ?`, object, []byte(k.Value), id); err != nil {
			return nil, fmt.Errorf("index words: %w", err)
		}
	}
	var fresh []worded
	for _, k := range now {
		if k.isWord() && !slices.Contains(old, k) {
			fresh = append(fresh, worded{k.Value, id})
		}
	}
	return fresh, nil
}

// putWords adds words to the index.
func (t *tx) putWords(object int64, fresh []worded) error {
	insert := t.insert(`INSERT INTO mirror_words (workspace, object, word, id)`, 4, `ON CONFLICT (object, word, id) DO NOTHING`)
	slices.SortFunc(fresh, func(a, b worded) int { return cmp.Compare(a.word, b.word) })
	for _, w := range fresh {
		if err := insert.row(t.s.workspace, object, []byte(w.word), w.id); err != nil {
			return fmt.Errorf("index words: %w", err)
		}
	}
	if err := insert.flush(); err != nil {
		return fmt.Errorf("index words: %w", err)
	}
	return nil
}

// mostWalked bounds a search: so many records that hold the rarest word are looked at.
const mostWalked = 4000

// errEnough ends a walk.
var errEnough = errors.New("enough")

// FindWords returns ids of present rows that have, for each of some beginnings, a word that
// begins so; at most limit, those first whose word is the shortest and first by alphabet. It reports
// whether there may be more: it stops looking when so many records hold each beginning that more
// letters are needed.
func (s *Store) FindWords(ctx context.Context, of Object, beginnings []string, limit int) (ids []string, more bool, err error) {
	beginnings = slices.Clone(beginnings)
	for i, w := range beginnings {
		beginnings[i] = WordKey(w).Value
	}
	if len(beginnings) == 0 || slices.Contains(beginnings, "") || limit <= 0 {
		return nil, false, nil
	}
	err = s.read(ctx, func(q runner) error {
		object, err := s.object(ctx, q, of)
		if err != nil || object == 0 {
			return err
		}
		rarest, err := rarestWord(ctx, q, object, beginnings)
		if err != nil {
			return err
		}
		ids, more, err = walkWords(ctx, q, object, rarest, beginnings, limit)
		return err
	})
	if err != nil {
		return nil, false, fmt.Errorf("find records of %s by words: %w", of, err)
	}
	return ids, more, nil
}

// upTo is behind all that begins so: no byte of a text is as high.
func upTo(beginning string) []byte { return append([]byte(beginning), 0xff) }

// rarestWord returns the beginning that the fewest records have, as far as it pays to count.
func rarestWord(ctx context.Context, q runner, object int64, beginnings []string) (string, error) {
	rarest, least := beginnings[0], mostWalked+1
	for _, w := range beginnings {
		if len(beginnings) == 1 {
			break
		}
		err := q.each(ctx, `SELECT COUNT(*) FROM (SELECT 1 FROM mirror_words WHERE object = ? AND word >= ? AND word < ? LIMIT ?) AS few`,
			args(object, []byte(w), upTo(w), mostWalked), func(scan scanner) error {
				var n int
				err := scan(&n)
				if n < least {
					rarest, least = w, n
				}
				return err
			})
		if err != nil {
			return "", err
		}
	}
	return rarest, nil
}

// walkWords looks at the records that have one beginning for those that have all.
func walkWords(ctx context.Context, q runner, object int64, one string, all []string, limit int) (ids []string, more bool, err error) {
	walked := 0
	err = q.each(ctx, `SELECT w.id, m.fate, m.keys FROM mirror_words w JOIN mirror m ON m.object = w.object AND m.id = w.id
		WHERE w.object = ? AND w.word >= ? AND w.word < ? ORDER BY w.word, w.id LIMIT ?`,
		args(object, []byte(one), upTo(one), mostWalked), func(scan scanner) error {
			walked++
			var id string
			var fate connector.Fate
			var kept []byte
			if err := scan(&id, &fate, &kept); err != nil {
				return err
			}
			keys, err := decodeKeys(kept)
			if err != nil {
				return fmt.Errorf("record %s: %w", id, err)
			}
			if fate != connector.Present || !hasWords(keys, all) || slices.Contains(ids, id) {
				return nil
			}
			if len(ids) == limit {
				more = true
				return errEnough
			}
			ids = append(ids, id)
			return nil
		})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return ids, more || walked == mostWalked, err
}

func hasWords(keys []Key, beginnings []string) bool {
	return !slices.ContainsFunc(beginnings, func(b string) bool {
		return !slices.ContainsFunc(keys, func(k Key) bool { return k.isWord() && strings.HasPrefix(k.Value, b) })
	})
}
