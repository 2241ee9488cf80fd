package preview

import (
	"fmt"
	"strings"

	"plumbline/reconcile/plan"
)

// Told is a comment that no plan stands behind: why there is none. The headline is ours, the text may be anybody's.
func Told(head, base, headline, text string) string {
	g := &page{}
	g.line("%s head=%s base=%s effect= -->", Marker, word(head), word(base))
	g.line("### plumb: **%s**\n", headline)
	if text != "" {
		g.fence("", lines(text))
	}
	return g.String()
}

func lines(text string) []string {
	const most, longest = 40, 500
	all := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if len(all) > most {
		all = append(all[:most], "…")
	}
	for i, line := range all {
		if len(line) > longest {
			all[i] = strings.ToValidUTF8(line[:longest], "") + " …"
		}
	}
	return all
}

// Banner puts a sentence above what a comment of ours tells, in place of one that stands there already. The values are anybody's; each is
// put where the sentence has %s.
func Banner(comment, sentence string, values ...string) string {
	first, rest, _ := strings.Cut(comment, "\n")
	if strings.HasPrefix(rest, banner) {
		_, rest, _ = strings.Cut(rest[len(banner):], "\n\n")
	}
	shown := make([]any, len(values))
	for i, value := range values {
		shown[i] = code(value)
	}
	return first + "\n" + banner + "> " + fmt.Sprintf(sentence, shown...) + "\n\n" + rest
}

const banner = "> [!NOTE]\n"

// Brief is the preview without any name or value: verdict and counts by kind. It is for where strangers read.
func (p Preview) Brief() string {
	g := &page{detail: counts}
	digest := ""
	if p.Plan != nil {
		digest = p.Plan.EffectDigest
	}
	g.line("%s head=%s base=%s effect=%s -->", Marker, word(p.Head), word(p.Base), word(digest))
	g.line("### plumb: %s\n", p.headline())
	if p.Plan == nil {
		return g.String()
	}
	g.changes("What this request changes", p.Own, p.Plan)
	g.changes("What applying would also touch: drift, or pending on the branch already", p.Anyway, p.Plan)
	return g.String()
}

// Orders is what people may answer, for the end of a comment.
const Orders = "\n<details><summary>What you can answer, on a line of its own</summary>\n\n" +
	"- `plumb plan`: plan it anew. Of a fork's commit, `plumb plan COMMIT` lets that one commit be planned.\n" +
	"- `plumb approve`: agree to the effect that is shown.\n" +
	"- `plumb discard`: take back what is shown; it is not applied.\n" +
	"- `plumb help`: this.\n\n" +
	"They count from people who may push.\n\n</details>\n"

// OutcomeMarker begins the comment that tells what came of a merged request.
const OutcomeMarker = "<!-- plumb:outcome v=1"

// Outcome is that comment. The text may be anybody's.
func Outcome(commit, headline, text, hint string) string {
	g := &page{}
	g.line("%s commit=%s -->", OutcomeMarker, word(commit))
	g.line("### plumb: **%s**\n", headline)
	if text != "" {
		g.fence("", lines(text))
	}
	if hint != "" {
		g.line("\n%s", hint)
	}
	return g.String()
}

// HelpMarker begins the comment that answers "plumb help".
const HelpMarker = "<!-- plumb:help v=1 -->\n"

// RevertMarker begins the text of a request that takes back what failed.
const RevertMarker = "<!-- plumb:revert v=1"

// Revert is that text. The text within may be anybody's.
func Revert(commit, effect, text string) string {
	g := &page{}
	g.line("%s effect=%s commit=%s -->", RevertMarker, word(effect), word(commit))
	g.line("Commit %s could not be applied, and what it did was taken back. This takes it out of the branch, too: in the files of what failed, what was changed since the last commit that was applied.\n", code(plan.ShortCommit(commit)))
	if strings.TrimSpace(text) != "" {
		g.fence("", lines(text))
	}
	g.line("\nA commit that mends it does as well; this request is closed when one was applied. plumb pushes nothing to it again.")
	return g.String()
}
