package plan

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"plumbline/actuators"
)

// line is a part of a plan: one of its fields is set.
type line struct {
	Head   *Plan           `json:"head,omitempty"`
	Change *Change         `json:"change,omitempty"`
	Step   *actuators.Step `json:"step,omitempty"`
	Gate   *Gate           `json:"gate,omitempty"`
	Lane   *Lane           `json:"lane,omitempty"`
}

// Head is the plan without its changes, steps, gates and lanes: what is small at any size.
func (p *Plan) Head() *Plan {
	head := p.withoutParts()
	head.Refusals, head.External, head.Notes = nil, nil, nil
	return &head
}

func (p *Plan) withoutParts() Plan {
	head := *p
	head.Changes, head.Steps, head.Gates, head.Lanes = nil, nil, nil, nil
	return head
}

// WriteLines writes the plan as a line of JSON for each of its parts, so that a large one is never in memory as text.
func (p *Plan) WriteLines(w io.Writer) error {
	head := p.withoutParts()
	to := json.NewEncoder(w)
	if err := to.Encode(line{Head: &head}); err != nil {
		return err
	}
	for _, c := range p.Changes {
		if err := to.Encode(line{Change: c}); err != nil {
			return err
		}
	}
	for i := range p.Steps {
		if err := to.Encode(line{Step: &p.Steps[i]}); err != nil {
			return err
		}
	}
	for i := range p.Gates {
		if err := to.Encode(line{Gate: &p.Gates[i]}); err != nil {
			return err
		}
	}
	for i := range p.Lanes {
		if err := to.Encode(line{Lane: &p.Lanes[i]}); err != nil {
			return err
		}
	}
	return nil
}

// ReadLines is the inverse of WriteLines.
func ReadLines(r io.Reader) (*Plan, error) {
	var p *Plan
	for from := json.NewDecoder(r); ; {
		var l line
		err := from.Decode(&l)
		switch {
		case errors.Is(err, io.EOF) && p != nil:
			p.link()
			return p, nil
		case err != nil:
			return nil, fmt.Errorf("cannot read the plan: %w", err)
		case l.Head != nil && p == nil:
			p = l.Head
		case p == nil || l.Head != nil:
			return nil, errors.New("cannot read the plan: its head does not stand first")
		case l.Change != nil:
			p.Changes = append(p.Changes, l.Change)
		case l.Step != nil:
			p.Steps = append(p.Steps, *l.Step)
		case l.Gate != nil:
			p.Gates = append(p.Gates, *l.Gate)
		case l.Lane != nil:
			p.Lanes = append(p.Lanes, *l.Lane)
		}
	}
}
