package dolibarr

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tandemhub/tandem/record"
)

// Whatever is written of a proposal, its offer ends on the day on which it ended, or on the
// one that is wanted: also where the clocks change in between. The server counts the days
// in hours, from the date that is sent, else from the midnight of the one that it has.
func TestValidityIsKept(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{"Europe/Athens", "America/New_York", "Pacific/Auckland", "UTC"}).Draw(t, "zone")
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		day := func(label string, from, to int) time.Time {
			return time.Date(2026, 1, 1+rapid.IntRange(from, to).Draw(t, label), 0, 0, 0, 0, zone)
		}
		has := day("date", 0, 400)
		ends := has.AddDate(0, 0, rapid.IntRange(0, 300).Draw(t, "days")).Add(12 * time.Hour)
		row := wireRow{"date": json.RawMessage(fmt.Sprint(has.Unix())), validUntil: json.RawMessage(fmt.Sprint(ends.Unix()))}
		body := map[string]any{}
		date := has
		if rapid.Bool().Draw(t, "other date") {
			date = day("new date", 0, 400)
			body["date"] = date.Add(12 * time.Hour).Unix()
		}
		want := record.Date(ends.Date())
		var until *record.Value
		if rapid.Bool().Draw(t, "other end") {
			want = record.Date(date.AddDate(0, 0, rapid.IntRange(0, 300).Draw(t, "new days")).Date())
			until = &want
		}
		keepValidity(body, row, until, zone)

		from := date // the server's part
		if sent, ok := body["date"].(int64); ok {
			from = time.Unix(sent, 0)
		}
		days, ok := body["duree_validite"].(int64)
		if !ok {
			t.Fatalf("the days are not sent: %v", body)
		}
		end := from.Add(time.Duration(days) * aDay)
		if told, ok := body[validUntil].(int64); ok && days == 0 {
			end = time.Unix(told, 0)
		}
		if got := record.Date(end.In(zone).Date()); !got.Equal(want) {
			t.Fatalf("it ends on %v, wanted %v: %v", got, want, body)
		}
	})
}

// A new proposal without an end has the usual one.
func TestValidityOfANewProposal(t *testing.T) {
	t.Parallel()
	body := map[string]any{"date": int64(1796032800)}
	if keepValidity(body, nil, nil, time.UTC); len(body) != 1 {
		t.Errorf("sent %v", body)
	}
	until := record.Text("2026-12-05")
	if keepValidity(body, nil, &until, time.UTC); body["duree_validite"] != int64(5) {
		t.Errorf("sent %v", body)
	}
}
