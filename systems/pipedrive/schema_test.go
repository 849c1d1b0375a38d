package pipedrive

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

// A custom field goes by its key and is shown by its name, and options, stages and pipelines
// by their labels.
func TestKeysAndNumbersHaveNames(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		s, _, err := b.Describe.SchemaOf(b.Context(), []string{persons, deals, leads})
		if err != nil {
			b.Fatal(err)
		}
		field := func(object int, name string) record.Field {
			f, ok := s.Objects[object].Field(name)
			if !ok {
				b.Fatalf("no field %s", name)
			}
			return f
		}
		k := keys(persons)
		f := field(0, k["size"])
		want := []record.Choice{{Value: "1", Label: "Small"}, {Value: "2", Label: "Large"}}
		if d := cmp.Diff(want, f.Choices); f.Label != "size" || f.Kind != record.KindChoice || !isHash(f.Name) || d != "" {
			b.Errorf("%+v (-want +got):\n%s", f, d)
		}
		for name, label := range map[string]string{"budget.value": "budget", "budget.currency": "budget, currency", "season.until": "season, until", "site.formatted_address": "site, formatted"} {
			whole, part := key(name), name[len(key(name)):]
			if f := field(0, k[whole]+part); f.Label != label {
				b.Errorf("%s is shown as %q, want %q", name, f.Label, label)
			}
		}
		pipelines, stages := field(1, fieldPipeline).Choices, field(1, fieldStage).Choices
		i := slices.IndexFunc(stages, func(c record.Choice) bool { return c.Value == "6" })
		if len(pipelines) != 2 || pipelines[1].Label != "Renewals" || i < 0 || stages[i].Label != "Renewal offered" || stages[i].Parent != "2" {
			b.Errorf("pipelines %+v, stages %+v", pipelines, stages)
		}
		if labels := field(2, fieldLabels).Choices; len(labels) != 3 || labels[0].Label != "Hot" {
			b.Errorf("labels of leads %+v", labels)
		}
	})
}

// In one read by many ids each record gets the fate that is proven (R21, R24).
func TestABatchOfIDsTellsEachFate(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		var all []string
		for range 5 {
			all = append(all, b.put(persons, "", "name", "Ann"))
		}
		live, binned, lost, keep, hidden := all[0], all[1], all[2], all[3], all[4]
		if _, err := b.Merger.Merge(b.Context(), record.Ref{Object: persons, ID: keep}, []record.Ref{{Object: persons, ID: lost}}); err != nil {
			b.Fatal(err)
		}
		if err := b.company.Remove(persons, binned); err != nil {
			b.Fatal(err)
		}
		if err := b.company.Hide(persons, hidden); err != nil {
			b.Fatal(err)
		}
		fates := func() map[string]connector.Fate {
			got, err := b.Reader.Read(b.Context(), persons, append(slices.Clone(all), "4711", "none"))
			if err != nil {
				b.Fatal(err)
			}
			out := map[string]connector.Fate{}
			for _, c := range got {
				out[c.ID] = c.Fate
			}
			return out
		}
		want := map[string]connector.Fate{
			live: connector.Present, binned: connector.Archived, lost: connector.Merged, keep: connector.Present, hidden: connector.Present,
			"4711": connector.Deleted, "none": connector.Deleted,
		}
		if d := cmp.Diff(want, fates()); d != "" {
			b.Errorf("an administrator (-want +got):\n%s", d)
		}
		time.Sleep(time.Minute)
		b.company.Demote()
		want[hidden], want["4711"] = connector.Left, connector.Left // which of the two it is cannot be told
		if d := cmp.Diff(want, fates()); d != "" {
			b.Errorf("who does not see all (-want +got):\n%s", d)
		}
	})
}
