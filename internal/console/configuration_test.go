package console

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
)

// A configHub keeps the configuration in its store; a text with "wrong" in it cannot be used.
type configHub struct {
	*fakeHub

	file   string
	edited bool
}

func (h *configHub) Configuration(ctx context.Context) (Configuration, error) {
	a, adopted, err := h.store.Adoption(ctx)
	c := Configuration{File: "dir/tandem.yaml", FileText: h.file, Text: h.file, Adopted: adopted, Current: a.Current, Edited: h.edited}
	if adopted {
		c.Text = a.Current.Text
	}
	return c, err
}

func (h *configHub) CheckConfiguration(_ context.Context, text string) (*plan.Plan, plan.Problems, error) {
	if strings.Contains(text, "wrong") {
		return nil, plan.Problems{{Line: 7, Text: `unknown key "prefr"`, Near: "prefer"}}, nil
	}
	return h.plan, plan.Problems{{Line: 3, Text: "may <b>surprise</b>", Warning: true}}, nil
}

func (h *configHub) AdoptFile(ctx context.Context, by, why string) (int, error) {
	h.edited = false
	return h.store.Adopt(ctx, "print", store.Configuration{Text: h.file, By: by, At: time.Now(), Note: why})
}

func (h *configHub) SaveConfiguration(ctx context.Context, after int, c store.Configuration) (int, error) {
	return h.store.SaveConfiguration(ctx, after, c)
}

func (h *configHub) KeepConfiguration(context.Context) error {
	h.edited = false
	return nil
}

func (h *configHub) ReleaseConfiguration(ctx context.Context) error {
	_, err := h.store.Unadopt(ctx)
	return err
}

func TestTheConfigurationIsEditedInVersions(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.populate()
	h := &configHub{fakeHub: b.hub, file: "version: 1\n# </textarea><script>\nold: line\n"}
	b.c.hub = h
	w := b.signed(account.Admin)
	const at = "/settings/configuration"
	got := w.get(at)
	b.want(got, http.StatusOK, "The file dir/tandem.yaml is what counts.", "readonly", "# &lt;/textarea&gt;&lt;script&gt;")
	if strings.Contains(got.Body.String(), "Check and compare") {
		t.Error("the file can be edited")
	}
	b.want(w.post(at, "act", "save", "after", "0", "text", "x"), http.StatusUnprocessableEntity, "Somebody else has changed the configuration")
	h.file = "wrong\n"
	b.want(w.post(at+"/adopt"), http.StatusUnprocessableEntity, "It cannot be used as it is.", "Did you mean prefer?")
	h.file = "version: 1\nold: line\n"
	b.to(w.post(at+"/adopt"), at+"?done=adopted")
	b.want(w.get(at), http.StatusOK, "Version 1, saved by admin", "Check and compare")

	b.want(w.post(at, "act", "check", "after", "1", "text", "version: 1\r\nnew: line\r\n"), http.StatusOK, `<code class="old">old: line</code>`, `<code class="new">new: line</code>`,
		"Can be used", "may &lt;b&gt;surprise&lt;/b&gt;", `value="save"`)
	b.want(w.post(at, "act", "save", "after", "1", "text", "wrong"), http.StatusUnprocessableEntity, `>7</td>`, "Did you mean prefer?", "Nothing was saved.")
	b.want(w.post(at, "act", "save", "after", "1", "text", "version: 1\nold: line"), http.StatusUnprocessableEntity, "It is the same as what counts. Nothing was saved.")
	b.want(w.post(at, "act", "save", "after", "x", "text", "version: 1\nnew: line"), http.StatusUnprocessableEntity, "Somebody else")
	b.to(w.post(at, "act", "save", "after", "1", "text", "version: 1\nnew: line", "note", "why not"), at+"?done=saved")
	b.want(w.post(at, "act", "save", "after", "1", "text", "version: 1\nlate: line"), http.StatusUnprocessableEntity, "Somebody else")
	b.want(w.get(at), http.StatusOK, "Version 2, saved by admin", "why not", `href="/settings/configuration/1"`)
	b.want(w.get(at+"/1"), http.StatusOK, "Version 1", `<code class="new">old: line</code>`, "Go back to this version")
	b.want(w.get(at+"/2"), http.StatusOK, "It is the same as what counts.")
	for _, no := range []string{"/3", "/0", "/x", "?before=0", "?before=x", "/export?version=9", "/export?version=x"} {
		b.want(w.get(at+no), http.StatusNotFound)
	}
	b.to(w.post(at+"/1/rollback"), at+"?done=saved")
	export := w.get(at + "/export")
	if export.Body.String() != "version: 1\nold: line\n" || export.Header().Get("Content-Disposition") != `attachment; filename="tandem.yaml"` {
		t.Errorf("exported %q as %s", export.Body, export.Header().Get("Content-Disposition"))
	}
	if got := w.get(at + "/export?version=2").Body.String(); got != "version: 1\nnew: line\n" {
		t.Errorf("version 2 is %q", got)
	}

	h.edited = true
	b.want(w.get(at), http.StatusOK, "was edited after it was adopted here", "Stay with version 3")
	b.want(w.post(at, "act", "save", "after", "3", "text", "version: 1\nmore: line"), http.StatusUnprocessableEntity, "Decide first which counts.")
	b.want(w.post(at+"/2/rollback"), http.StatusUnprocessableEntity, "Decide first which counts.")
	b.to(w.post(at+"/keep"), at+"?done=kept")
	b.to(w.post(at+"/release"), at+"?done=released")
	b.want(w.get(at), http.StatusOK, "The file dir/tandem.yaml is what counts.", `href="/settings/configuration/3"`)
}

// What is shown of a comparison leads from one text to the other.
func TestAComparisonLeadsFromOneTextToTheOther(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d", ""}), 0, 30), func(lines []string) string {
			if len(lines) == 0 {
				return ""
			}
			return strings.Join(lines, "\n") + "\n"
		})
		before, after := text.Draw(t, "before"), text.Draw(t, "after")
		diff := compare(before, after)
		if (before == after) != (diff == nil) {
			t.Fatalf("%q and %q: %v", before, after, diff)
		}
		a, b := linesOf(before), linesOf(after)
		seenA, seenB := map[int]bool{}, map[int]bool{}
		for _, l := range diff {
			if l.Kind == diffGap {
				continue
			}
			if l.Kind != diffNew && a[l.Old-1] != l.Text || l.Kind != diffOld && b[l.New-1] != l.Text {
				t.Fatalf("%+v is not in both", l)
			}
			seenA[l.Old], seenB[l.New] = l.Kind == diffOld, l.Kind == diffNew
		}
		var keptA, keptB []string
		for i, s := range a {
			if !seenA[i+1] {
				keptA = append(keptA, s)
			}
		}
		for i, s := range b {
			if !seenB[i+1] {
				keptB = append(keptB, s)
			}
		}
		if strings.Join(keptA, "\n") != strings.Join(keptB, "\n") {
			t.Fatalf("what stays is %q and %q", keptA, keptB)
		}
	})
}
