package store

import (
	"context"
	"fmt"
	"time"
)

// AnswersFor is how long the answer to a write that carries an idempotency key is kept.
const AnswersFor = 24 * time.Hour

// An Asking is a write that a program may repeat: who asks what, under a key of its own.
type Asking struct {
	Key   string
	By    string // who asks; keys of others are others
	Route string
	Hash  string // of what was asked in detail
	At    time.Time
}

// An Answer is what was answered to an Asking.
type Answer struct {
	Hash   string
	Status int // 0 = there is none yet
	Kind   string
	Body   []byte
	At     time.Time // when it was asked
}

// sqlAnswers keeps what was answered to writes with a key, so that a repeated one does nothing.
func sqlAnswers() []string {
	return []string{
		`CREATE TABLE answers (workspace {int}, by_whom {text}, route {text}, asked_key {text}, hash {text}, at {int}, status {int},
			kind {text}, body {blob}, PRIMARY KEY (workspace, by_whom, route, asked_key))`,
		`CREATE INDEX answers_at ON answers (workspace, at)`,
	}
}

// BeginAnswer notes that a write is about to be done, and returns what is known of it from before;
// false = nothing, and it is to be done. One without an answer that was begun before since is taken
// over: whoever did it is no more.
func (s *Store) BeginAnswer(ctx context.Context, a Asking, since time.Time) (Answer, bool, error) {
	var was Answer
	found := false
	err := s.write(ctx, "note a write with a key", func(t *tx) error {
		was, found = Answer{}, false
		if _, err := t.exec(`DELETE FROM answers WHERE workspace = ? AND at < ?`, s.workspace, micros(a.At.Add(-AnswersFor))); err != nil {
			return err
		}
		err := t.each(`SELECT hash, status, kind, body, at FROM answers WHERE workspace = ? AND by_whom = ? AND route = ? AND asked_key = ?`,
			args(s.workspace, a.By, a.Route, a.Key), func(scan scanner) error {
				var at int64
				found = true
				err := scan(&was.Hash, &was.Status, &was.Kind, &was.Body, &at)
				was.At = fromMicros(at)
				return err
			})
		if err != nil {
			return err
		}
		if found && (was.Status != 0 || !was.At.Before(since)) {
			return nil
		}
		found = false
		_, err = t.exec(`INSERT INTO answers (workspace, by_whom, route, asked_key, hash, at, status, kind, body) VALUES (?, ?, ?, ?, ?, ?, 0, '', ?)
			ON CONFLICT (workspace, by_whom, route, asked_key) DO UPDATE SET hash = excluded.hash, at = excluded.at`,
			s.workspace, a.By, a.Route, a.Key, a.Hash, micros(a.At), []byte{})
		return err
	})
	if err != nil {
		return Answer{}, false, fmt.Errorf("look for an earlier answer: %w", err)
	}
	return was, found, nil
}

// EndAnswer keeps what was answered.
func (s *Store) EndAnswer(ctx context.Context, a Asking, x Answer) error {
	return s.write(ctx, "keep an answer", func(t *tx) error {
		_, err := t.exec(`UPDATE answers SET status = ?, kind = ?, body = ? WHERE workspace = ? AND by_whom = ? AND route = ? AND asked_key = ?`,
			x.Status, x.Kind, x.Body, s.workspace, a.By, a.Route, a.Key)
		return err
	})
}

// DropAnswer forgets a write that came to nothing: the next one with its key is done.
func (s *Store) DropAnswer(ctx context.Context, a Asking) error {
	return s.write(ctx, "forget a write with a key", func(t *tx) error {
		_, err := t.exec(`DELETE FROM answers WHERE workspace = ? AND by_whom = ? AND route = ? AND asked_key = ?`, s.workspace, a.By, a.Route, a.Key)
		return err
	})
}
