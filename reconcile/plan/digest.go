package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"strconv"

	"plumbline/actuators"
)

// digest covers what is done to what, in order: never commit, time or approvals.
func (p *Plan) digest() {
	whole, lanes := sha256.New(), make([]hash.Hash, len(p.Lanes))
	var text []byte
	for i := range p.Steps {
		s := &p.Steps[i]
		text = effect(text[:0], s)
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

// effect appends the values of a step, each ended by a zero byte.
func effect(text []byte, s *actuators.Step) []byte {
	for _, part := range [...]string{s.Instance.String(), s.Host, s.Op, strconv.Itoa(s.Version)} {
		text = append(append(text, part...), 0)
	}
	return append(append(text, s.Params...), 0)
}

func digestText(sum hash.Hash) string { return "sha256:" + hex.EncodeToString(sum.Sum(nil)) }
