package trust

import (
	"context"
	"slices"
	"strings"
	"time"

	"plumbline/sources"
)

// trailer of a commit message by which its signer agrees to an effect.
const trailer = "Plumb-Approve:"

// Approval is a signed word for an effect.
type Approval struct {
	Commit string
	Effect string // "sha256:…"
	Signer Signer
	Void   string // why it does not count: "is not signed"; "" = it does
}

// Writer is who made a commit, and what it changes itself.
type Writer struct {
	Commit string
	Signer Signer
	Email  string
	Paths  []string
	Void   string // why nobody knows who made it: "is not signed"; "" = the signer did
}

// Agreed lists what the commits since base agree to, and who wrote what they change. Each signature is held against the keys
// that held at base: no commit of the range lets an approver in.
func (p *Policy) Agreed(ctx context.Context, src sources.Signable, head, base string) (approvals []Approval, writers []Writer, err error) {
	if base == "" {
		base = p.Since
	}
	if base == "" && p.InTree != (Files{}) {
		return nil, nil, ErrNoBeginning
	}
	list, err := src.Since(ctx, head, base, false)
	if err != nil {
		return nil, nil, err
	}
	every := *p
	every.Mode = Range
	j := &judge{Policy: &every, ctx: ctx, src: src, base: base, keys: map[string]*keys{}}
	known, err := j.keysOf(base)
	if err != nil {
		return nil, nil, err
	}
	now := time.Now
	if p.Now != nil {
		now = p.Now
	}
	for i := range list {
		c := &list[i]
		signer, reason := known.verify(c, now())
		void := ""
		if reason != nil {
			void = reason.text
		}
		for _, effect := range effects(c.Payload) {
			approvals = append(approvals, Approval{Commit: c.ID, Effect: effect, Signer: signer, Void: void})
		}
		w := Writer{Commit: c.ID, Signer: signer, Email: c.Email, Void: void}
		if w.Paths, err = j.changed(c); err != nil {
			return nil, nil, err
		}
		writers = append(writers, w)
	}
	return approvals, writers, nil
}

// effects are those that the message of a commit agrees to: lines of its last paragraph.
func effects(payload []byte) (out []string) {
	_, message, _ := strings.Cut(string(payload), "\n\n")
	paragraphs := strings.Split(strings.TrimSpace(message), "\n\n")
	for line := range strings.SplitSeq(paragraphs[len(paragraphs)-1], "\n") {
		if effect, ok := strings.CutPrefix(line, trailer); ok {
			out = append(out, strings.TrimSpace(effect))
		}
	}
	return out
}

// Protected is a rule about paths: so many approvals, of signers whose name matches one of the patterns.
type Protected struct {
	Approvals int      `json:"approvals"`
	Of        []string `json:"of"`
}

// Covers tells whether a pattern such as "net/**" is about a path.
func Covers(pattern, path string) bool { return matches(pattern, path) }

// Count finds who agreed to an effect and may: the names of distinct signers, in order. Those who wrote what a pattern covers
// do not count. Unknown: a commit that changed it and of which nobody knows who made it; then nothing counts.
func (r Protected) Count(pattern, effect string, approvals []Approval, writers []Writer) (names []string, unknown *Writer) {
	wrote := map[string]bool{}
	for n, w := range writers {
		if !slices.ContainsFunc(w.Paths, func(path string) bool { return matches(pattern, path) }) {
			continue
		}
		if w.Void != "" {
			return nil, &writers[n]
		}
		wrote[w.Signer.Name], wrote[w.Email] = true, true
	}
	for _, a := range approvals {
		may := slices.ContainsFunc(r.Of, func(of string) bool { return matches(of, a.Signer.Name) })
		if a.Effect == effect && a.Void == "" && may && !wrote[a.Signer.Name] && !slices.Contains(names, a.Signer.Name) {
			names = append(names, a.Signer.Name)
		}
	}
	slices.Sort(names)
	return names, nil
}
