package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"

	"plumbline/reconcile/diff"
)

// digest covers what is done to what, in order: never commit, time or approvals.
func (p *Plan) digest() {
	whole, lanes := sha256.New(), make([]hash.Hash, len(p.Lanes))
	var text []byte
	for i := range p.Steps {
		s := &p.Steps[i]
		text = diff.AppendEffect(text[:0], s)
		whole.Write(text)
		if lanes[s.Lane-1] == nil {
			lanes[s.Lane-1] = sha256.New()
		}
		lanes[s.Lane-1].Write(text)
	}
	for i := range p.Lanes {
		p.Lanes[i].EffectDigest = digestText(lanes[i])
	}
	p.EffectDigest = digestText(whole)
}

func digestText(sum hash.Hash) string { return "sha256:" + hex.EncodeToString(sum.Sum(nil)) }
