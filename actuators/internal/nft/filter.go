package nft

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/userdata"

	"plumbline/actuators"
)

// filters is the table "inet plumb_fw": a base chain and its sets per firewall.
var filters = &nftables.Table{Name: "plumb_fw", Family: nftables.TableFamilyINet}

// ChainPrefix precedes the object's name in the names of its chain and sets; a slash, which no object's name holds, goes
// before what follows it.
const ChainPrefix = "fw-"

// Filter is all that one firewall has in the table, in canonical form.
type Filter struct {
	Hook   string       `json:"hook"`   // input or forward
	Policy string       `json:"policy"` // accept or drop
	Rules  []FilterRule `json:"rules,omitempty"`
	Sets   []FilterSet  `json:"sets,omitempty"` // sorted by name

	Dormant bool     `json:"dormant,omitempty"` // the table's flag takes all its chains off their hooks
	Strange []string `json:"-"`                 // chains of somebody else on hooks of the table, with the remedy
}

// FilterRule is one rule.
type FilterRule struct {
	Exprs   []Expr `json:"exprs,omitempty"`
	Comment string `json:"comment,omitempty"`
}

// FilterSet is one set: interfaces, ports or addresses.
type FilterSet struct {
	Name     string   `json:"name"`
	Type     string   `json:"type"` // nft's word: ifname, inet_service, ipv4_addr, ipv6_addr
	Interval bool     `json:"interval,omitempty"`
	Elements []string `json:"elements,omitempty"`
	Comment  string   `json:"comment,omitempty"`
	Odd      bool     `json:"odd,omitempty"` // a map, or with timeouts or another type: not of our making
}

// Same compares two filters; nil is absent.
func (f *Filter) Same(other *Filter) bool { return sameJSON(f, other) }

// Mark is the filter's mark: in the comment of the set that bears the chain's name, or else of a rule.
func (f *Filter) Mark() *actuators.Mark {
	comments := make([]string, 0, len(f.Sets)+len(f.Rules))
	for _, s := range f.Sets {
		comments = append(comments, s.Comment)
	}
	for _, r := range f.Rules {
		comments = append(comments, r.Comment)
	}
	for _, c := range comments {
		if mark := actuators.ParseMark(c); mark != nil {
			return mark
		}
	}
	return nil
}

// restorable refuses a filter that holds what could not be put back.
func (f *Filter) restorable() error {
	for _, s := range f.Sets {
		if s.Odd {
			return fmt.Errorf("%w: the nft set %s, made by hand, could not be put back by an undo; take it out first", actuators.ErrRefused, s.Name)
		}
	}
	for _, r := range f.Rules {
		for _, e := range r.Exprs {
			if !restorable(e.Any) {
				return fmt.Errorf("%w: a rule that was put in by hand (%s) could not be put back by an undo; take it out first", actuators.ErrRefused, exprName(e.Any))
			}
		}
	}
	return nil
}

var hooks = map[string]*nftables.ChainHook{"input": nftables.ChainHookInput, "forward": nftables.ChainHookForward}

// Filters reads the firewalls of the table by name, those that are asked for.
func Filters(ctx context.Context, asked func(name string) bool) (map[string]*Filter, error) {
	var out map[string]*Filter
	err := View(ctx, func(tx *Tx) (err error) {
		out, err = tx.filters(asked)
		return err
	})
	return out, err
}

// oneFilter reads the firewall of one name; nil when there is none.
func (tx *Tx) oneFilter(name string) (*Filter, error) {
	all, err := tx.filters(func(other string) bool { return other == name })
	return all[name], err
}

func (tx *Tx) filters(asked func(name string) bool) (map[string]*Filter, error) {
	out := map[string]*Filter{}
	present, asleep, err := tx.table(filters)
	if err != nil || !present {
		return out, err
	}
	chains, err := tx.chains(filters)
	if err != nil {
		return nil, err
	}
	sets, err := tx.sets(filters)
	if err != nil {
		return nil, err
	}
	for name, c := range chains {
		if object, ok := strings.CutPrefix(name, ChainPrefix); ok && asked(object) {
			f, err := tx.filter(c, sets)
			if err != nil {
				return nil, err
			}
			f.Dormant, f.Strange = asleep, hooked(filters, chains, isFilter)
			out[object] = f
		}
	}
	return out, nil
}

func isFilter(chain string) bool { return strings.HasPrefix(chain, ChainPrefix) }

func (tx *Tx) filter(c *nftables.Chain, sets map[string]*nftables.Set) (*Filter, error) {
	f := &Filter{Hook: hookName(c), Policy: policyName(c)}
	rules, err := tx.rules(c)
	if err != nil {
		return nil, err
	}
	for _, r := range rules {
		comment, _ := userdata.GetString(r.UserData, userdata.TypeComment)
		rule := FilterRule{Comment: comment}
		for _, e := range r.Exprs {
			rule.Exprs = append(rule.Exprs, Expr{still(e)})
		}
		f.Rules = append(f.Rules, rule)
	}
	for name, s := range sets {
		if name == c.Name || strings.HasPrefix(name, c.Name+"/") {
			one, err := tx.filterSet(s)
			if err != nil {
				return nil, err
			}
			f.Sets = append(f.Sets, one)
		}
	}
	return f.Sorted(), nil
}

func hookName(c *nftables.Chain) string {
	for name, hook := range hooks {
		if c.Type == nftables.ChainTypeFilter && samePointer(c.Hooknum, hook) && samePointer(c.Priority, nftables.ChainPriorityFilter) {
			return name
		}
	}
	return "other"
}

func policyName(c *nftables.Chain) string {
	if c.Policy != nil && *c.Policy == nftables.ChainPolicyDrop {
		return "drop"
	}
	return "accept"
}

func (tx *Tx) filterSet(s *nftables.Set) (FilterSet, error) {
	out := FilterSet{Name: s.Name, Type: s.KeyType.Name, Interval: s.Interval, Comment: s.Comment}
	if _, known := setTypes[out.Type]; !known || s.IsMap || s.HasTimeout || s.Dynamic || s.Constant || s.Counter {
		out.Odd = true
		return out, nil
	}
	raw, err := tx.ask().GetSetElements(s)
	if err != nil {
		return FilterSet{}, fmt.Errorf("cannot read nft set %s %s: %w", filters.Name, s.Name, err)
	}
	if s.Interval {
		out.Elements = spanTexts(s.KeyType, spansOf(raw))
		return out, nil
	}
	for _, e := range raw {
		out.Elements = append(out.Elements, valueText(s.KeyType, e.Key))
	}
	slices.Sort(out.Elements)
	return out, nil
}

// valueText is one value of a set without intervals.
func valueText(t nftables.SetDatatype, value []byte) string {
	if t.Name == nftables.TypeIFName.Name {
		return strings.TrimRight(string(value), "\x00")
	}
	return span{value, value}.text(t)
}

// Sorted is the filter with its sets by name.
func (f Filter) Sorted() *Filter {
	slices.SortFunc(f.Sets, func(a, b FilterSet) int { return strings.Compare(a.Name, b.Name) })
	return &f
}

// Adopted is a copy whose set of that name, empty if it was not there, bears the mark.
func (f Filter) Adopted(set string, mark actuators.Mark) *Filter {
	one := FilterSet{Name: set, Type: nftables.TypeIFName.Name}
	f.Sets = slices.DeleteFunc(slices.Clone(f.Sets), func(s FilterSet) bool {
		if s.Name == set {
			one = s
		}
		return s.Name == set
	})
	one.Comment = mark.String()
	f.Sets = append(f.Sets, one)
	return f.Sorted()
}

// Same compares two rules.
func (r FilterRule) Same(other FilterRule) bool { return sameJSON(r, other) }

// Same compares two sets.
func (s FilterSet) Same(other FilterSet) bool { return sameJSON(s, other) }

func sameJSON(a, b any) bool {
	one, errOne := json.Marshal(a)
	two, errTwo := json.Marshal(b)
	return errOne == nil && errTwo == nil && bytes.Equal(one, two)
}
