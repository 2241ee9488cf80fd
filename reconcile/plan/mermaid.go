package plan

import (
	"fmt"
	"io"
	"strings"

	"plumbline/actuators"
)

// WriteMermaid draws the steps and what they wait for as a Mermaid flowchart, one subgraph a lane. Gates are rounded.
func (p *Plan) WriteMermaid(w io.Writer) error {
	node := map[string]string{}
	inLane := map[int][]actuators.Step{}
	for i, s := range p.Steps {
		node[s.ID] = fmt.Sprintf("s%d", i+1)
		inLane[s.Lane] = append(inLane[s.Lane], s)
	}
	var b strings.Builder
	b.WriteString("flowchart TD\n")
	for _, lane := range p.Lanes {
		fmt.Fprintf(&b, "  subgraph lane%d[\"lane %d\"]\n", lane.ID, lane.ID)
		for _, s := range inLane[lane.ID] {
			fmt.Fprintf(&b, "    %s[\"%s<br/>%s\"]\n", node[s.ID], escape(s.Instance.String()), escape(s.Summary))
		}
		b.WriteString("  end\n")
	}
	for i, g := range p.Gates {
		node[g.ID] = fmt.Sprintf("g%d", i+1)
		fmt.Fprintf(&b, "  %s([\"%s\"])\n", node[g.ID], escape(strings.Replace(g.ID, "#", " ", 1)))
	}
	arrows := func(needs []string, to string) {
		for _, need := range needs {
			fmt.Fprintf(&b, "  %s --> %s\n", node[need], node[to])
		}
	}
	for _, g := range p.Gates {
		arrows(g.Needs, g.ID)
	}
	for _, s := range p.Steps {
		arrows(s.Needs, s.ID)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", `"`, "&quot;", "<", "&lt;", ">", "&gt;", "`", "&#96;", "\n", " ").Replace(text)
}
